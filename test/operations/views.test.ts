import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import {
  ExecutedActionMetadataSchema,
  ExecuteResponseSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type Operation, OperationSchema } from "../../gen/google/longrunning/operations_pb.ts";
import type { Status } from "../../gen/google/rpc/status_pb.ts";
import { Code } from "../../src/base/errors.ts";
import {
  failedOutcome,
  type OperationRecord,
  outcomeOf,
  Stage,
  toLroOperation,
  toReapiOperation,
} from "../../src/operations/operations.ts";
import {
  completedRecord,
  executingRecord,
  QUEUED_AT,
  ranWith,
  recordOf,
  responseWith,
  unpackResponse,
} from "./records.ts";

const lro = (record: OperationRecord) => toLroOperation(record, "main/op");
const reapi = (record: OperationRecord) => toReapiOperation(record, "main/op");

function responseIn(operation: Operation) {
  assert.equal(operation.done, true);
  assert.ok(operation.result.case === "response", `result is ${operation.result.case}`);
  return unpackResponse(operation.result.value);
}

function errorIn(operation: Operation): Status {
  assert.equal(operation.done, true);
  assert.ok(operation.result.case === "error", `result is ${operation.result.case}`);
  return operation.result.value;
}

const cancelledAlone = executingRecord({ stage: Stage.COMPLETED, cancelled: true, completedAt: QUEUED_AT + 1500 });
const cancelledWhole = {
  ...completedRecord(failedOutcome(Code.Canceled, "nobody wanted it any more")),
  cancelled: true,
};

for (const [state, record] of [
  ["queued", recordOf()],
  ["executing", executingRecord()],
] as const) {
  test(`a ${state} operation is not done and has no result in either view`, () => {
    for (const operation of [lro(record), reapi(record)]) {
      assert.equal(operation.name, "main/op");
      assert.equal(operation.done, false);
      assert.equal(operation.result.case, undefined);
      assert.ok(operation.metadata);
    }
  });
}

for (const [what, exitCode] of [
  ["a command that succeeded", 0],
  ["a command that exited with 1", 1],
] as const) {
  test(`${what} is a success of the operation in both views, with the stored bytes untouched`, () => {
    const record = completedRecord(ranWith(exitCode));
    for (const operation of [lro(record), reapi(record)]) {
      const response = responseIn(operation);
      assert.equal(response.result?.exitCode, exitCode);
      assert.equal(response.status, undefined);
      assert.equal(response.cachedResult, false);
      assert.ok(operation.result.case === "response" && operation.result.value.value === record.job.outcome?.response);
    }
  });
}

test("an answer from the action cache is a success marked as cached", () => {
  const record = completedRecord(outcomeOf(responseWith(0), { cached: true }), {
    startedAt: undefined,
    worker: undefined,
  });
  for (const view of [lro, reapi]) assert.equal(responseIn(view(record)).cachedResult, true);
});

for (const [what, code, message] of [
  ["was given up after its attempts", Code.Aborted, "gave up after 5 attempts"],
  ["ran too long", Code.DeadlineExceeded, "ran longer than 60 s"],
  ["waited too long", Code.Unavailable, "no worker took it in 300 s"],
  ["was cancelled by the server", Code.Canceled, "nobody listened for 60 s"],
] as const) {
  test(`a job that ${what} is an error for Operations and a response for Execution`, () => {
    const record = completedRecord(failedOutcome(code, message));
    const error = errorIn(lro(record));
    assert.equal(error.code, code);
    assert.equal(error.message, message);
    assert.equal(error.details.length, 1);
    for (const response of [unpackResponse(error.details[0]), responseIn(reapi(record))]) {
      assert.equal(response.status?.code, code);
      assert.equal(response.status?.message, message);
    }
  });
}

test("a failure keeps its partial result and the details of its status", () => {
  const detail = create(AnySchema, { typeUrl: "type.googleapis.com/nobody.knows.This", value: new Uint8Array([1, 2]) });
  const status = { code: Code.DeadlineExceeded, message: "too slow", details: [detail] };
  const response = create(ExecuteResponseSchema, { result: { exitCode: 137 }, status });
  const record = completedRecord(outcomeOf(response, { cached: false }));
  const error = errorIn(lro(record));
  assert.equal(error.details.length, 2);
  assert.equal(unpackResponse(error.details[0]).result?.exitCode, 137);
  assert.deepEqual(error.details[1]?.value, detail.value);
  assert.equal(error.details[1]?.typeUrl, detail.typeUrl);
  assert.equal(responseIn(reapi(record)).status?.details.length, 1);
});

for (const [what, record] of [
  ["alone, while its job runs on,", cancelledAlone],
  ["together with its job", cancelledWhole],
] as const) {
  test(`an operation cancelled ${what} is an error with code 1 for Operations and a response for Execution`, () => {
    const error = errorIn(lro(record));
    assert.equal(error.code, Code.Canceled);
    assert.equal(error.message, "the operation was cancelled");
    assert.equal(unpackResponse(error.details[0]).status?.code, Code.Canceled);
    const response = responseIn(reapi(record));
    assert.equal(response.status?.code, Code.Canceled);
    assert.equal(response.result, undefined);
  });
}

test("a cancelled operation shows the same bytes whatever becomes of its job", () => {
  const cancelled = { stage: Stage.COMPLETED, cancelled: true, completedAt: QUEUED_AT + 1500 };
  const partialMetadata = toBinary(
    ExecutedActionMetadataSchema,
    create(ExecutedActionMetadataSchema, { worker: "bot-2" }),
  );
  const laterJobs: OperationRecord["job"][] = [
    recordOf().job,
    executingRecord({}, { attempts: 2, worker: "bot-2", partialMetadata, startedAt: QUEUED_AT + 9000 }).job,
    completedRecord(ranWith(0)).job,
    completedRecord(failedOutcome(Code.Aborted, "gave up")).job,
    completedRecord(failedOutcome(Code.Canceled, "nobody wanted it any more")).job,
  ];
  for (const view of [lro, reapi]) {
    const encodings = laterJobs.map((job) =>
      Buffer.from(toBinary(OperationSchema, view({ ...cancelledAlone, ...cancelled, job }))).toString("hex"),
    );
    assert.equal(new Set(encodings).size, 1);
  }
});

for (const [what, response] of [
  ["cut short", ranWith(0).response.subarray(0, 2)],
  ["overwritten", new Uint8Array(200).fill(0xff)],
  ["without the result that a success has", toBinary(ExecuteResponseSchema, create(ExecuteResponseSchema))],
  ["at odds with its status code", failedOutcome(Code.Aborted, "gave up").response],
] as const) {
  test(`a stored response ${what} is a DATA_LOSS of this operation only`, () => {
    const record = completedRecord({ ...ranWith(0), response });
    assert.equal(errorIn(lro(record)).code, Code.DataLoss);
    assert.equal(responseIn(reapi(record)).status?.code, Code.DataLoss);
  });
}

test("a stored response that is cut short anywhere is a DATA_LOSS", () => {
  const { response } = ranWith(0);
  for (let length = 0; length < response.length; length++) {
    const record = completedRecord({ ...ranWith(0), response: response.subarray(0, length) });
    assert.equal(errorIn(lro(record)).code, Code.DataLoss);
  }
});

test("a stored result that is overwritten inside, or is no message, is a DATA_LOSS", () => {
  const zeroed = ranWith(0).response.slice().fill(0, 2);
  for (const response of [zeroed, new Uint8Array([8, 1])]) {
    assert.equal(errorIn(lro(completedRecord({ ...ranWith(0), response }))).code, Code.DataLoss);
  }
});

test("a status in several parts is one", () => {
  const parts = [{ code: Code.Aborted }, { message: "gave up" }].map((status) =>
    toBinary(ExecuteResponseSchema, create(ExecuteResponseSchema, { status })),
  );
  const response = new Uint8Array(Buffer.concat(parts));
  const { code, message } = errorIn(lro(completedRecord({ ...failedOutcome(Code.Aborted, ""), response })));
  assert.deepEqual([code, message], [Code.Aborted, "gave up"]);
});

test("a success may have a status that says so", () => {
  const response = create(ExecuteResponseSchema, { result: {}, status: { message: "fine" } });
  const record = completedRecord(outcomeOf(response, { cached: false }));
  assert.equal(responseIn(lro(record)).status?.message, "fine");
});

test("a view is a message like those that protobuf makes", () => {
  for (const record of [recordOf(), completedRecord(ranWith(0)), cancelledAlone]) {
    for (const operation of [lro(record), reapi(record)]) {
      const { name, metadata, done, result } = operation;
      assert.deepEqual(operation, create(OperationSchema, { name, metadata, done, result } as typeof operation));
      assert.deepEqual(fromBinary(OperationSchema, toBinary(OperationSchema, operation)), operation);
    }
  }
});

test("a stored success beside a failed status code, and the other way round, is a DATA_LOSS", () => {
  const failed = { result: { exitCode: 137 }, status: { code: Code.DeadlineExceeded } };
  const failure = outcomeOf(create(ExecuteResponseSchema, failed), { cached: false });
  for (const outcome of [
    { ...ranWith(0), statusCode: Code.Aborted },
    { ...failure, statusCode: 0 },
  ]) {
    const record = completedRecord(outcome);
    assert.equal(errorIn(lro(record)).code, Code.DataLoss);
    assert.equal(responseIn(reapi(record)).status?.code, Code.DataLoss);
  }
});

test("a completed job without an outcome is a DATA_LOSS", () => {
  const record = completedRecord(undefined);
  assert.equal(errorIn(lro(record)).code, Code.DataLoss);
  assert.equal(responseIn(reapi(record)).status?.code, Code.DataLoss);
});

test("what a failed view hands out is the caller's own: changing it changes no other", () => {
  errorIn(lro(cancelledAlone)).details.push(create(AnySchema));
  errorIn(lro(cancelledAlone)).message = "changed";
  assert.equal(errorIn(lro(cancelledAlone)).details.length, 1);
  assert.equal(errorIn(lro(cancelledAlone)).message, "the operation was cancelled");
});

test("both views of one state have the same metadata bytes", () => {
  for (const record of [recordOf(), executingRecord(), completedRecord(ranWith(0)), cancelledAlone]) {
    assert.deepEqual(lro(record).metadata, reapi(record).metadata);
  }
});
