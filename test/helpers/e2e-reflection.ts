import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import {
  type ClientDuplexStream,
  credentials,
  loadPackageDefinition,
  type ServiceClientConstructor,
} from "@grpc/grpc-js";
import {
  type AnyDefinition,
  fromJSON,
  loadFileDescriptorSetFromBuffer,
  type MessageTypeDefinition,
  type PackageDefinition,
} from "@grpc/proto-loader";

/** What a reflection request and its reply look like, as far as it matters here. */
interface ReflectionReply {
  fileDescriptorResponse?: { fileDescriptorProto: Uint8Array[] };
  listServicesResponse?: { service: { name: string }[] };
  errorResponse?: { errorCode: number; errorMessage: string };
}
type ReflectionCall = ClientDuplexStream<object, ReflectionReply>;

/** The versions of gRPC server reflection. */
export type ReflectionVersion = "v1" | "v1alpha";

/** What a server says of itself. */
export interface Reflected {
  /** The full names of its services. */
  readonly services: readonly string[];
  /** All types of the symbols that were asked for, with those that they use. */
  readonly definitions: PackageDefinition;
}

/** Asks a server for its services and for the descriptors of symbols, on one stream, with nothing known beforehand. */
export async function reflect(
  address: string,
  version: ReflectionVersion,
  symbols: readonly string[],
): Promise<Reflected> {
  const client = new (reflectionClient(version))(address, credentials.createInsecure());
  try {
    const call = (client.ServerReflectionInfo as () => ReflectionCall)();
    const ask = asker(call);
    const { listServicesResponse } = await ask({ listServices: "*" });
    assert(listServicesResponse);
    const files = new Set<string>();
    for (const symbol of symbols) {
      const { fileDescriptorResponse, errorResponse } = await ask({ fileContainingSymbol: symbol });
      assert.equal(errorResponse, undefined);
      // Servers may send a file again for each symbol; equal ones count once.
      for (const file of fileDescriptorResponse?.fileDescriptorProto ?? [])
        files.add(Buffer.from(file).toString("base64"));
    }
    const { errorResponse } = await ask({ fileContainingSymbol: "no.such.Symbol" });
    assert.equal(errorResponse?.errorCode, 5);
    call.end();
    return {
      services: listServicesResponse.service.map(({ name }) => name),
      definitions: loadFileDescriptorSetFromBuffer(fileDescriptorSet([...files]), { longs: Number, enums: String }),
    };
  } finally {
    client.close();
  }
}

/** A reflected message type. */
export function messageType(definitions: PackageDefinition, name: string): MessageTypeDefinition<object, object> {
  const definition: AnyDefinition | undefined = definitions[name];
  assert(definition && "deserialize" in definition, `${name} was not reflected`);
  return definition as MessageTypeDefinition<object, object>;
}

/** Sends requests one after the other; each awaits its reply. */
function asker(call: ReflectionCall): (request: object) => Promise<ReflectionReply> {
  const replies = call[Symbol.asyncIterator]();
  return async (request) => {
    call.write(request);
    const { value, done } = await replies.next();
    assert(!done, "the reflection stream ended");
    return value;
  };
}

function fileDescriptorSet(files: readonly string[]): Buffer {
  const file = files.map((text) => fromBinary(FileDescriptorProtoSchema, Buffer.from(text, "base64")));
  return Buffer.from(toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file })));
}

function reflectionClient(version: ReflectionVersion): ServiceClientConstructor {
  const api = { nested: { [version]: reflectionApi } };
  const loaded = loadPackageDefinition(fromJSON({ nested: { grpc: { nested: { reflection: api } } } }, {}));
  return findService(loaded, `grpc.reflection.${version}.ServerReflection`);
}

/** The client class of a service by its full name. */
export function findService(loaded: object, name: string): ServiceClientConstructor {
  const found = name.split(".").reduce<unknown>((at, part) => (at as Record<string, unknown>)?.[part], loaded);
  assert(typeof found === "function", `no service ${name}`);
  return found as ServiceClientConstructor;
}

const repeated = (type: string, id: number) => ({ rule: "repeated" as const, type, id });

/** The reflection API itself, as much of it as is used: the one thing that every client brings along. */
const reflectionApi: NonNullable<Parameters<typeof fromJSON>[0]["nested"]>[string] = {
  nested: {
    ServerReflection: {
      methods: {
        ServerReflectionInfo: {
          comment: "",
          requestType: "ServerReflectionRequest",
          requestStream: true,
          responseType: "ServerReflectionResponse",
          responseStream: true,
        },
      },
    },
    ServerReflectionRequest: {
      oneofs: { messageRequest: { oneof: ["fileContainingSymbol", "listServices"] } },
      fields: { fileContainingSymbol: { type: "string", id: 4 }, listServices: { type: "string", id: 7 } },
    },
    ServerReflectionResponse: {
      oneofs: { messageResponse: { oneof: ["fileDescriptorResponse", "listServicesResponse", "errorResponse"] } },
      fields: {
        fileDescriptorResponse: { type: "FileDescriptorResponse", id: 4 },
        listServicesResponse: { type: "ListServiceResponse", id: 6 },
        errorResponse: { type: "ErrorResponse", id: 7 },
      },
    },
    FileDescriptorResponse: { fields: { fileDescriptorProto: repeated("bytes", 1) } },
    ListServiceResponse: { fields: { service: repeated("ServiceResponse", 1) } },
    ServiceResponse: { fields: { name: { type: "string", id: 1 } } },
    ErrorResponse: { fields: { errorCode: { type: "int32", id: 1 }, errorMessage: { type: "string", id: 2 } } },
  },
};
