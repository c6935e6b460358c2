import assert from "node:assert/strict";
import { test } from "node:test";
import { create, createFileRegistry, type DescService, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import {
  ServerReflection,
  type ServerReflectionRequestSchema,
  type ServerReflectionResponse,
} from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionV1Alpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { type Grid, startGrid } from "./grid.ts";

type Request = MessageInitShape<typeof ServerReflectionRequestSchema>;
type Question = NonNullable<Extract<Request, { $typeName?: never }>["messageRequest"]>;

const versions = { v1: ServerReflection, v1alpha: ServerReflectionV1Alpha as unknown as typeof ServerReflection };

async function ask(grid: Grid, service: DescService, ...questions: Question[]): Promise<ServerReflectionResponse[]> {
  async function* requests(): AsyncGenerator<Request> {
    for (const messageRequest of questions) yield { host: "here", messageRequest };
  }
  return Array.fromAsync(grid.client(service as typeof ServerReflection).serverReflectionInfo(requests()));
}

function filesOf({ messageResponse }: ServerReflectionResponse): FileDescriptorProto[] {
  assert.ok(messageResponse.case === "fileDescriptorResponse", `${messageResponse.case}`);
  return messageResponse.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
}

function importsFirst(files: readonly FileDescriptorProto[]): FileDescriptorProto[] {
  const ordered = new Set<FileDescriptorProto>();
  const add = (file: FileDescriptorProto | undefined) => {
    if (!file || ordered.has(file)) return;
    for (const path of file.dependency) add(files.find(({ name }) => name === path));
    ordered.add(file);
  };
  files.forEach(add);
  return [...ordered];
}

function errorOf(response: ServerReflectionResponse | undefined): number | undefined {
  const answer = response?.messageResponse;
  return answer?.case === "errorResponse" ? answer.value.errorCode : undefined;
}

const OPERATIONS = "google/longrunning/operations.proto";
const EXECUTION = "build/bazel/remote/execution/v2/remote_execution.proto";

/** Symbols of every kind, and the files that declare them. */
const symbols: Record<string, string> = {
  "google.longrunning.Operations": OPERATIONS,
  "google.longrunning.Operations.WaitOperation": OPERATIONS,
  "google.longrunning.Operation": OPERATIONS,
  "google.longrunning.Operation.metadata": OPERATIONS,
  "google.longrunning.Operation.result": OPERATIONS,
  "build.bazel.remote.execution.v2.ExecutionStage.Value": EXECUTION,
  "build.bazel.remote.execution.v2.ExecutionStage.QUEUED": EXECUTION,
  "build.bazel.remote.execution.v2.ExecutionStage.Value.QUEUED": EXECUTION,
  "build.bazel.remote.execution.v2.Platform.Property.name": EXECUTION,
  "build.bazel.remote.execution.v2.RequestMetadata": EXECUTION,
  "google.rpc.BadRequest.FieldViolation": "google/rpc/error_details.proto",
  "google.protobuf.Timestamp": "google/protobuf/timestamp.proto",
  "grpc.reflection.v1.ServerReflection": "grpc/reflection/v1/reflection.proto",
};

test("reflection", async (t) => {
  const grid = await startGrid(t);

  for (const [version, service] of Object.entries(versions)) {
    await t.test(`${version} lists the services, each of which it can describe completely`, async () => {
      const [listed] = await ask(grid, service, { case: "listServices", value: "*" });
      assert.ok(listed?.messageResponse.case === "listServicesResponse");
      const names = listed.messageResponse.value.service.map(({ name }) => name);
      assert.equal(names.length, 12);
      for (const name of names) {
        const [response] = await ask(grid, service, { case: "fileContainingSymbol", value: name });
        assert.ok(response);
        assert.deepEqual([response.validHost, response.originalRequest?.messageRequest.value], ["here", name]);
        const file = importsFirst(filesOf(response));
        const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
        assert.ok(registry.getService(name), "all that it imports is with it");
      }
    });

    await t.test(`${version} finds files by their names and by the symbols in them`, async () => {
      for (const [symbol, file] of Object.entries(symbols)) {
        const responses = await ask(
          grid,
          service,
          { case: "fileContainingSymbol", value: symbol },
          { case: "fileByFilename", value: file },
        );
        const [bySymbol, byName] = responses.map(filesOf);
        assert.equal(bySymbol?.[0]?.name, file, symbol);
        assert.deepEqual(byName, bySymbol);
      }
    });

    await t.test(`${version} answers NOT_FOUND for what it does not know, and goes on`, async () => {
      const unknown = [
        { case: "fileContainingSymbol", value: "google.longrunning.Nothing" },
        { case: "fileContainingSymbol", value: "google.longrunning.Operation.nothing" },
        { case: "fileContainingSymbol", value: "google.longrunning" },
        { case: "fileContainingSymbol", value: ".google.longrunning.Operation" },
        { case: "fileContainingSymbol", value: "" },
        { case: "fileByFilename", value: "google/longrunning/operations" },
        { case: "fileByFilename", value: "/etc/passwd" },
        { case: "allExtensionNumbersOfType", value: "no.such.Message" },
        { case: "fileContainingExtension", value: { containingType: "no.such.Message", extensionNumber: 1 } },
        {
          case: "fileContainingExtension",
          value: { containingType: "google.protobuf.MethodOptions", extensionNumber: 77 },
        },
      ] as Question[];
      const responses = await ask(grid, service, ...unknown, { case: "listServices", value: "" });
      assert.equal(responses.length, unknown.length + 1);
      assert.deepEqual(responses.map(errorOf), [...unknown.map(() => Code.NotFound), undefined]);
    });

    await t.test(`${version} knows of no extensions, and refuses a request that asks nothing`, async () => {
      const [extensions, nothing] = await ask(
        grid,
        service,
        { case: "allExtensionNumbersOfType", value: "google.longrunning.Operation" },
        { case: undefined },
      );
      assert.ok(extensions?.messageResponse.case === "allExtensionNumbersResponse");
      const { baseTypeName, extensionNumber } = extensions.messageResponse.value;
      assert.deepEqual([baseTypeName, extensionNumber], ["google.longrunning.Operation", []]);
      assert.equal(errorOf(nothing), Code.InvalidArgument);
    });
  }
});
