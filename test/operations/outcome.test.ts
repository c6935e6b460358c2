import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { ExecuteResponseSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { Code } from "../../src/base/errors.ts";
import { failedOutcome, type JobOutcome, outcomeOf } from "../../src/operations/operations.ts";
import { responseWith } from "./records.ts";

const decode = (outcome: JobOutcome) => fromBinary(ExecuteResponseSchema, outcome.response);

test("a command that ran to its end has status 0 and its exit code", () => {
  const outcome = outcomeOf(responseWith(3), { cached: false });
  assert.deepEqual(
    { ...outcome, response: undefined },
    { statusCode: 0, exitCode: 3, cached: false, response: undefined },
  );
  assert.equal(decode(outcome).result?.exitCode, 3);
});

test("an outcome is cached exactly when its maker says so", () => {
  const response = create(ExecuteResponseSchema, { result: {}, cachedResult: true });
  assert.equal(decode(outcomeOf(response, { cached: false })).cachedResult, false);
  const cached = outcomeOf(responseWith(0), { cached: true });
  assert.equal(cached.cached, true);
  assert.equal(decode(cached).cachedResult, true);
  assert.equal(response.cachedResult, true);
});

test("a failed status has its code and no exit code, and the partial result is kept", () => {
  const status = { code: Code.DeadlineExceeded, message: "too slow" };
  const outcome = outcomeOf(create(ExecuteResponseSchema, { result: { exitCode: 137 }, status }), { cached: false });
  assert.equal(outcome.statusCode, Code.DeadlineExceeded);
  assert.equal(outcome.exitCode, undefined);
  assert.equal(decode(outcome).result?.exitCode, 137);
});

test("a success without a result becomes an INTERNAL failure", () => {
  for (const response of [
    create(ExecuteResponseSchema),
    create(ExecuteResponseSchema, { status: { message: "fine" } }),
  ]) {
    const outcome = outcomeOf(response, { cached: false });
    assert.equal(outcome.statusCode, Code.Internal);
    assert.equal(decode(outcome).status?.code, Code.Internal);
  }
});

test("a failure holds code, message and details", () => {
  const detail = create(AnySchema, { typeUrl: "type.googleapis.com/x.Y", value: new Uint8Array([8, 1]) });
  const outcome = failedOutcome(Code.Unavailable, "no worker took it", [detail]);
  assert.equal(outcome.statusCode, Code.Unavailable);
  assert.equal(outcome.exitCode, undefined);
  assert.equal(outcome.cached, false);
  const { status, result } = decode(outcome);
  assert.equal(result, undefined);
  assert.equal(status?.code, Code.Unavailable);
  assert.equal(status?.message, "no worker took it");
  assert.deepEqual(status?.details, [detail]);
});
