import {
  create,
  createRegistry,
  type DescFile,
  type DescMessage,
  fromBinary,
  type Message,
  type MessageInitShape,
  type Registry,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, type ServiceImpl } from "@connectrpc/connect";
import {
  type ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import {
  ServerReflectionRequestSchema as RequestV1AlphaSchema,
  ServerReflectionResponseSchema as ResponseV1AlphaSchema,
  type ServerReflection as ServerReflectionV1Alpha,
} from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { withImports } from "./catalog.ts";
import { symbolsOf } from "./symbols.ts";

type Answer = NonNullable<Exclude<MessageInitShape<typeof ServerReflectionResponseSchema>, Message>["messageResponse"]>;
type Question = ServerReflectionRequest["messageRequest"];

/** gRPC server reflection, v1: what grpcurl and its like need to call everything without a .proto file. */
export function reflectionService(
  files: readonly DescFile[],
  services: readonly string[],
): ServiceImpl<typeof ServerReflection> {
  const respond = createResponder(files, services);
  return {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) yield respond(request);
    },
  };
}

/** The same under its older name; the messages are alike to the byte. */
export function reflectionV1AlphaService(
  files: readonly DescFile[],
  services: readonly string[],
): ServiceImpl<typeof ServerReflectionV1Alpha> {
  const respond = createResponder(files, services);
  return {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        const response = respond(fromBinary(ServerReflectionRequestSchema, toBinary(RequestV1AlphaSchema, request)));
        yield fromBinary(ResponseV1AlphaSchema, toBinary(ServerReflectionResponseSchema, response));
      }
    },
  };
}

function createResponder(files: readonly DescFile[], services: readonly string[]) {
  const answer = createAnswers(files, services);
  return (request: ServerReflectionRequest): ServerReflectionResponse =>
    create(ServerReflectionResponseSchema, {
      validHost: request.host,
      originalRequest: request,
      messageResponse: answer(request.messageRequest),
    });
}

function createAnswers(files: readonly DescFile[], services: readonly string[]): (question: Question) => Answer {
  const types = createRegistry(...files);
  const symbols = symbolsOf(files);
  const byPath = new Map(files.map((file) => [`${file.name}.proto`, file]));
  return (question) => {
    switch (question.case) {
      case "listServices":
        return { case: "listServicesResponse", value: { service: services.map((name) => ({ name })) } };
      case "fileByFilename":
        return fileAnswer(byPath.get(question.value), question.value);
      case "fileContainingSymbol":
        return fileAnswer(symbols.get(question.value), question.value);
      case "allExtensionNumbersOfType": {
        const message = types.getMessage(question.value);
        if (!message) return notFound(question.value);
        const extensionNumber = extensionsOf(types, message).map((extension) => extension.number);
        return { case: "allExtensionNumbersResponse", value: { baseTypeName: question.value, extensionNumber } };
      }
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = question.value;
        const message = types.getMessage(containingType);
        const extension = message && types.getExtensionFor(message, extensionNumber);
        return fileAnswer(extension?.file, `${containingType}:${extensionNumber}`);
      }
      default:
        return errorAnswer(Code.InvalidArgument, "the request asks nothing");
    }
  };
}

function extensionsOf(types: Registry, message: DescMessage) {
  return [...types]
    .filter((type) => type.kind === "extension")
    .filter((type) => type.extendee.typeName === message.typeName);
}

function fileAnswer(file: DescFile | undefined, asked: string): Answer {
  if (!file) return notFound(asked);
  const fileDescriptorProto = withImports([file]).map((each) => toBinary(FileDescriptorProtoSchema, each.proto));
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

function notFound(symbol: string): Answer {
  return errorAnswer(Code.NotFound, `not known here: ${symbol}`);
}

function errorAnswer(errorCode: number, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}
