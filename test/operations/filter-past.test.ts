import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  filterAt,
  type JobOutcome,
  matches,
  mayHaveMatched,
  type OperationRecord,
  parseFilter,
  Stage,
} from "../../src/operations/operations.ts";
import { filters, type ValuePool } from "./filters.ts";
import { executingRecord, QUEUED_AT, recordOf } from "./records.ts";

const TIMES = [QUEUED_AT, QUEUED_AT + 1, QUEUED_AT + 90_000];
const pool: ValuePool = {
  values: {
    stage: [Stage.QUEUED, Stage.EXECUTING, Stage.COMPLETED],
    worker: ["one", "two"],
    attempts: [0, 1, 2],
    priority: [-1, 0, 1],
    exit_code: [0, 1],
    "error.code": [1, 13],
    start_time: TIMES,
    completed_time: TIMES,
  },
  properties: [["OSFamily", "linux"]],
};

const orUndefined = <T>(...values: T[]) => fc.constantFrom(undefined, ...values);

/** What may have changed of an operation that has not ended. */
const unsettled = fc.record({
  stage: fc.constantFrom(Stage.QUEUED, Stage.EXECUTING),
  priority: fc.constantFrom(-1, 0, 1),
  attempts: fc.nat(2),
  worker: orUndefined("one", "two"),
  assignedAt: orUndefined(...TIMES),
  startedAt: orUndefined(...TIMES),
});

const ends = fc.record({
  cancelled: fc.boolean(),
  completedAt: fc.constantFrom(...TIMES),
  statusCode: fc.constantFrom(0, 13),
  exitCode: orUndefined(0, 1),
});

function live(state: Partial<OperationRecord["job"]> & { stage: Stage }): OperationRecord {
  const record = recordOf();
  const job = { ...record.job, ...state, completedAt: undefined, outcome: undefined };
  return { ...record, stage: state.stage, cancelled: false, completedAt: undefined, job };
}

function ended(
  record: OperationRecord,
  end: Pick<OperationRecord, "cancelled"> & JobOutcome & { completedAt: number },
) {
  const { cancelled, completedAt, ...outcome } = end;
  const job = { ...record.job, stage: Stage.COMPLETED, completedAt, outcome };
  return { ...record, stage: Stage.COMPLETED, cancelled, completedAt, job };
}

test("what matched before is never denied", () => {
  fc.assert(
    fc.property(filters(pool), unsettled, unsettled, fc.option(ends), (filter, before, after, end) => {
      const later = live(after);
      const record = end ? ended(later, { ...end, cached: false, response: new Uint8Array(0) }) : later;
      fc.pre(matches(filter, live(before)));
      assert.ok(mayHaveMatched(filter, record));
    }),
    { numRuns: 3000 },
  );
});

const may = (text: string, record: OperationRecord) =>
  mayHaveMatched(filterAt(parseFilter(text).filter, QUEUED_AT), record);

test("what lasts, and what only an end brings, tells that there was no match", () => {
  const end = { completedAt: QUEUED_AT + 1, statusCode: 0, exitCode: 0, cached: false, response: new Uint8Array(0) };
  const records = [recordOf(), executingRecord(), ended(executingRecord(), { ...end, cancelled: false })];
  for (const record of records) {
    for (const text of [
      "tool_name = nobody",
      "done",
      "stage = COMPLETED",
      "exit_code != 0",
      "error.code: *",
      "NOT stage < COMPLETED",
      "worker = one AND invocation_id = none",
      "done OR command = nothing-like-that",
    ]) {
      assert.ok(!may(text, record), text);
    }
    for (const text of ["", "NOT done", "stage = QUEUED", "worker = one", "attempts > 9", "NOT cancelled"]) {
      assert.ok(may(text, record), text);
    }
  }
});

test("what the action cache answered was never in another state", () => {
  const outcome = { statusCode: 0, exitCode: 0, cached: true, response: new Uint8Array(0) };
  const record = ended(recordOf(), { ...outcome, cancelled: false, completedAt: QUEUED_AT });
  const job = { ...record.job, attempts: 0 };
  assert.ok(!may("NOT done", { ...record, job }));
});
