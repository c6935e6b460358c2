import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  ExecutedActionMetadataSchema,
  ExecuteResponseSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { ListOperationsResponseSchema, type Operation } from "../../gen/google/longrunning/operations_pb.ts";
import { sha256 } from "../../src/base/digests.ts";
import { Code } from "../../src/base/errors.ts";
import {
  failedOutcome,
  formatOperationName,
  type OperationRecord,
  operationSize,
  outcomeOf,
  Stage,
  toLroOperation,
  toReapiOperation,
} from "../../src/operations/operations.ts";
import { executingRecord } from "./records.ts";

/** What an operation adds to an encoded list. */
function bytesOf(operation: Operation): number {
  return toBinary(ListOperationsResponseSchema, create(ListOperationsResponseSchema, { operations: [operation] }))
    .length;
}

function viewsOf(record: OperationRecord): Operation[] {
  const name = formatOperationName(record.instance, record.id);
  return [toLroOperation(record, name), toReapiOperation(record, name)];
}

const blob = fc.nat(20_000).map((length) => new Uint8Array(length));
const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 256 });
const detail = fc.record({ typeUrl: name, value: blob });
const outcome = fc.oneof(
  blob.map((stdoutRaw) => outcomeOf(create(ExecuteResponseSchema, { result: { stdoutRaw } }), { cached: false })),
  fc
    .tuple(blob, fc.string(), fc.array(detail, { maxLength: 3 }))
    .map(([stdoutRaw, message, details]) =>
      create(ExecuteResponseSchema, { result: { stdoutRaw }, status: { code: Code.Aborted, message, details } }),
    )
    .map((response) => outcomeOf(response, { cached: false })),
  fc.constant({ ...failedOutcome(Code.Aborted, ""), response: new Uint8Array([255]) }),
);
const job = fc.record({
  outcome,
  worker: fc.option(name, { nil: undefined }),
  partialMetadata: fc.option(
    detail.map((each) =>
      toBinary(ExecutedActionMetadataSchema, create(ExecutedActionMetadataSchema, { auxiliaryMetadata: [each] })),
    ),
    { nil: undefined },
  ),
  action: fc.constant({ fn: sha256, hash: "ab".repeat(64), sizeBytes: 2 ** 40 }),
  startedAt: fc.nat(),
  completedAt: fc.nat(),
});

test("no operation takes more than its size, in either view", () => {
  fc.assert(
    fc.property(
      name,
      job,
      fc.constantFrom(Stage.EXECUTING, Stage.COMPLETED),
      fc.boolean(),
      (instance, of, at, cancelled) => {
        const stage = cancelled ? Stage.COMPLETED : at;
        const ended = stage === Stage.COMPLETED ? of : { ...of, outcome: undefined };
        const record = executingRecord({ instance, cancelled, stage }, ended);
        for (const view of viewsOf(record)) assert.ok(bytesOf(view) <= operationSize(record));
      },
    ),
  );
});

test("the size of an operation with a large response is not much more than what it takes", () => {
  const result = { stdoutRaw: new Uint8Array(7000) };
  const ran = outcomeOf(create(ExecuteResponseSchema, { result }), { cached: false });
  const record = executingRecord({}, { stage: Stage.COMPLETED, outcome: ran });
  for (const view of viewsOf(record)) assert.ok(operationSize(record) < 1.1 * bytesOf(view));
});
