import assert from "node:assert/strict";
import test from "node:test";
import { create, fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { type Any, AnySchema, anyPack, DurationSchema, StructSchema } from "@bufbuild/protobuf/wkt";
import { ExecuteResponseSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { OperationSchema } from "../../gen/google/longrunning/operations_pb.ts";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { operationJson } from "../../src/cli/operation-json.ts";
import { exited, operation } from "./samples.ts";

const unknown: Any = create(AnySchema, { typeUrl: "type.example.com/acme.Secret", value: new Uint8Array([1, 2, 3]) });

test("resolves the types that executions use", () => {
  const json = operationJson(operation({ response: exited(7) }));
  assert.equal((json.metadata as JsonObject).stage, "COMPLETED");
  assert.match(String((json.metadata as JsonObject)["@type"]), /ExecuteOperationMetadata$/);
  assert.equal(((json.response as JsonObject).result as JsonObject).exitCode, 7);
});

test("shows an Any of an unknown type as its type and bytes, at any depth", () => {
  const response = create(ExecuteResponseSchema, {
    status: {
      code: 13,
      message: "x",
      details: [unknown, anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason: "R" }))],
    },
    result: { executionMetadata: { auxiliaryMetadata: [anyPack(AnySchema, unknown)] } },
  });
  const json = operationJson(
    create(OperationSchema, {
      name: "a",
      metadata: unknown,
      done: true,
      result: { case: "response", value: anyPack(ExecuteResponseSchema, response) },
    }),
  );
  const shown = { "@type": "type.example.com/acme.Secret", value: "AQID" };
  assert.deepEqual(json.metadata, shown);
  const { status, result } = json.response as { status: JsonObject; result: JsonObject };
  assert.deepEqual(status.details, [shown, { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "R" }]);
  assert.deepEqual((result.executionMetadata as JsonObject).auxiliaryMetadata, [
    { "@type": "type.googleapis.com/google.protobuf.Any", value: shown },
  ]);
});

test("shows an Any with damaged or unspeakable content as bytes", () => {
  const url = (name: string) => `type.googleapis.com/${name}`;
  const damaged = create(AnySchema, {
    typeUrl: url(ExecuteResponseSchema.typeName),
    value: new Uint8Array([255, 255]),
  });
  assert.deepEqual(operationJson(create(OperationSchema, { metadata: damaged })).metadata, {
    "@type": damaged.typeUrl,
    value: "//8=",
  });
  const tooLong = create(RetryInfoSchema, { retryDelay: create(DurationSchema, { seconds: 2n ** 62n }) });
  const value = toBinary(RetryInfoSchema, tooLong);
  const json = operationJson(create(OperationSchema, { metadata: anyPack(RetryInfoSchema, tooLong) }));
  assert.deepEqual(json.metadata, {
    "@type": url(RetryInfoSchema.typeName),
    value: Buffer.from(value).toString("base64"),
  });
});

test("leaves the operation as it was, and a real Struct alone", () => {
  const struct = anyPack(StructSchema, fromJson(StructSchema, { a: 1 }));
  const given = create(OperationSchema, { name: "a", metadata: unknown, result: { case: "response", value: struct } });
  const before = toBinary(OperationSchema, given);
  assert.deepEqual(operationJson(given).response, {
    "@type": "type.googleapis.com/google.protobuf.Struct",
    value: { a: 1 },
  });
  assert.deepEqual(toBinary(OperationSchema, given), before);
});

test("survives an Any nested without end", () => {
  let any = unknown;
  for (let depth = 0; depth < 300; depth++) any = anyPack(AnySchema, any);
  assert.ok(operationJson(create(OperationSchema, { metadata: any })).metadata);
});
