import assert from "node:assert/strict";
import { test } from "node:test";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "../../src/base/errors.ts";
import { failedOutcome, Stage, toSummary } from "../../src/operations/operations.ts";
import { completedRecord, executingRecord, QUEUED_AT, ranWith, recordOf } from "./records.ts";

test("a summary of a command that ran has its exit code, also 0, and its times", () => {
  const summary = toSummary({ ...completedRecord(ranWith(0)), completedAt: QUEUED_AT + 4000 });
  assert.deepEqual([summary.exitCode, summary.errorCode, summary.cancelled], [0, 0, false]);
  const { queuedTime, startTime, completedTime, updateTime } = summary;
  assert.deepEqual(
    [queuedTime, startTime, completedTime, updateTime].map((time) => time && timestampMs(time) - QUEUED_AT),
    [0, 2000, 4000, 4000],
  );
});

test("a summary of a failure has its code and no exit code", () => {
  const summary = toSummary(completedRecord(failedOutcome(Code.DeadlineExceeded, "too slow")));
  assert.deepEqual([summary.errorCode, summary.exitCode], [Code.DeadlineExceeded, undefined]);
});

test("a summary of a cancelled operation says nothing of how its job ended", () => {
  const job = { stage: Stage.COMPLETED, outcome: ranWith(7) } as const;
  const summary = toSummary(executingRecord({ cancelled: true, stage: Stage.COMPLETED }, job));
  assert.deepEqual([summary.cancelled, summary.errorCode, summary.exitCode], [true, Code.Canceled, undefined]);
});

test("a summary has the beginning of the command, without half of a character", () => {
  assert.equal(toSummary(recordOf({}, { command: "x".repeat(200) })).command, "x".repeat(200));
  assert.equal(toSummary(recordOf({}, { command: `${"x".repeat(199)}😀` })).command, "x".repeat(199));
  assert.equal(toSummary(recordOf({}, { command: `${"x".repeat(198)}😀y` })).command, `${"x".repeat(198)}😀`);
});

test("the summary of a record is made once", () => {
  const record = recordOf();
  assert.equal(toSummary(record), toSummary(record));
  assert.equal(toSummary(record).name, `main/${record.id}`);
  assert.equal(toSummary(recordOf({ instance: "" })).name, record.id);
});
