import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { createRows } from "../../dashboard/src/operations/row.ts";
import { standingCondition } from "../../dashboard/src/operations/standing-condition.ts";
import { ExecuteResponseSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import {
  filterAt,
  matches,
  type OperationRecord,
  outcomeOf,
  parseFilter,
  Stage,
  toSummary,
} from "../../src/operations/operations.ts";
import { recordOf } from "../operations/records.ts";

const ended = (response: { result?: { exitCode: number }; status?: { code: number } }, cached = false) => {
  const outcome = outcomeOf(create(ExecuteResponseSchema, response), { cached });
  return recordOf({ completedAt: 2 }, { stage: Stage.COMPLETED, outcome, completedAt: 2 });
};

/** One operation of each standing. */
const records: Readonly<Record<string, OperationRecord>> = {
  queued: recordOf(),
  executing: recordOf({}, { stage: Stage.EXECUTING }),
  ok: ended({ result: { exitCode: 0 } }),
  cached: ended({ result: { exitCode: 0 } }, true),
  "exit 1": ended({ result: { exitCode: 1 } }),
  "exit 2": ended({ result: { exitCode: 2 } }),
  DEADLINE_EXCEEDED: ended({ status: { code: 4 } }),
  cancelled: recordOf({ cancelled: true, stage: Stage.COMPLETED, completedAt: 2 }),
};

for (const [name, record] of Object.entries(records)) {
  test(`the condition of ${name} is passed by what is ${name} and by nothing else`, () => {
    const condition = standingCondition(createRows()(toSummary(record)));
    const filter = filterAt(parseFilter(condition).filter, 0);
    const passing = Object.entries(records).filter(([, each]) => matches(filter, each));
    assert.deepEqual(
      passing.map(([passed]) => passed),
      [name],
    );
  });
}
