import assert from "node:assert/strict";
import test from "node:test";
import { create } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import { ExecuteOperationMetadataSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { OperationSchema } from "../../gen/google/longrunning/operations_pb.ts";
import { ranMs, summarize, waitedMs } from "../../src/cli/summary.ts";
import { exited, operation, QUEUED_AT } from "./samples.ts";

function ending(...args: Parameters<typeof operation>): [string, number | undefined] {
  const { result, exitCode } = summarize(operation(...args));
  return [result, exitCode];
}

test("tells how an operation ended, from either of its views", () => {
  assert.deepEqual(ending(), ["", undefined]);
  assert.deepEqual(ending({ response: exited(0) }), ["ok", 0]);
  assert.deepEqual(ending({ response: { ...exited(0), cachedResult: true } }), ["cached", 0]);
  assert.deepEqual(ending({ response: exited(2) }), ["exit 2", 3]);
  assert.deepEqual(ending({ error: { code: 4, message: "" } }), ["DEADLINE_EXCEEDED", 4]);
  assert.deepEqual(ending({ response: { status: { code: 10 } } }), ["ABORTED", 4]);
  assert.deepEqual(ending({ error: { code: 1, message: "" } }), ["CANCELLED", 5]);
  assert.deepEqual(ending({ response: { status: { code: 1 } } }), ["CANCELLED", 5]);
  assert.deepEqual(ending({ error: { code: 999, message: "" } }), ["CODE_999", 4]);
});

test("counts the wait and the run until now while they last", () => {
  const queued = summarize(operation());
  assert.equal(waitedMs(queued, QUEUED_AT + 700), 700);
  assert.equal(ranMs(queued, QUEUED_AT + 700), undefined);
  const running = summarize(operation({ stage: "EXECUTING" }));
  assert.equal(waitedMs(running, QUEUED_AT + 3_000), 2_000);
  assert.equal(ranMs(running, QUEUED_AT + 3_000), 1_000);
  const done = summarize(operation({ response: exited(0) }));
  assert.equal(ranMs(done, QUEUED_AT + 999_999), 3_500);
  assert.equal(ranMs(running, QUEUED_AT), 0);
});

test("takes no times from a cached result: they are those of the first execution", () => {
  const cached = summarize(operation({ response: { ...exited(0), cachedResult: true } }));
  assert.equal(cached.completedAt, QUEUED_AT + 5_500);
  const sample = operation({ response: { ...exited(0), cachedResult: true } });
  delete sample.metadata;
  assert.equal(summarize(sample).completedAt, undefined);
});

test("reads operations that are no executions, and damaged ones", () => {
  const plain = create(OperationSchema, { name: "a", done: true });
  assert.deepEqual([summarize(plain).stage, summarize(plain).result], ["DONE", "ok"]);
  const damaged = operation({ response: exited(1) });
  for (const any of [damaged.metadata, damaged.result.value]) {
    if (any?.$typeName === AnySchema.typeName) any.value = new Uint8Array([255]);
  }
  assert.equal(summarize(damaged).stage, "DONE");
  assert.equal(summarize(create(OperationSchema, { name: "a" })).stage, "RUNNING");
});

test("takes no time that no calendar has", () => {
  const odd = operation({ stage: "EXECUTING" });
  const metadata = create(ExecuteOperationMetadataSchema, {
    partialExecutionMetadata: {
      queuedTimestamp: { seconds: 2n ** 62n },
      workerStartTimestamp: { seconds: -(2n ** 62n) },
      workerCompletedTimestamp: { seconds: 8_640_000_000_000n },
    },
  });
  odd.metadata = anyPack(ExecuteOperationMetadataSchema, metadata);
  const { queuedAt, startedAt, completedAt } = summarize(odd);
  assert.deepEqual([queuedAt, startedAt, completedAt], [undefined, undefined, 8.64e15]);
});
