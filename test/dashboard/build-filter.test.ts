import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { buildFilter, watchedBuild, watchedBuilds } from "../../dashboard/src/invocation/build-filter.ts";
import { createRows } from "../../dashboard/src/operations/row.ts";
import { lookOf } from "../../dashboard/src/ui/standing.ts";
import {
  filterAt,
  matches,
  type OperationRecord,
  resolveFilter,
  Stage,
  toSummary,
} from "../../src/operations/operations.ts";
import { recordOf } from "../operations/records.ts";

const LOOKS = ["queued", "executing", "succeeded", "cached", "failed", "cancelled"] as const;
const INVOCATION = 'odd "id" \\ with * (and) more';
const toRow = createRows();

function metadataOf(invocationId: string, correlatedInvocationsId = "") {
  const tool = {
    toolName: "bazel",
    toolVersion: "",
    actionId: "",
    actionMnemonic: "",
    targetId: "",
    configurationId: "",
  };
  return { ...tool, invocationId, correlatedInvocationsId };
}

function finds(text: string, record: OperationRecord): boolean {
  return matches(filterAt(resolveFilter(text, "").filter, 0), record);
}

const records = fc
  .record({
    stage: fc.constantFrom(Stage.QUEUED, Stage.EXECUTING, Stage.COMPLETED),
    cancelled: fc.boolean(),
    statusCode: fc.constantFrom(0, 1, 4, 13),
    exitCode: fc.constantFrom(undefined, 0, 1),
    cached: fc.boolean(),
  })
  .map(({ stage, cancelled, ...outcome }) => {
    const isDone = stage === Stage.COMPLETED || cancelled;
    const completedAt = isDone ? 5 : undefined;
    const ended = { ...outcome, response: new Uint8Array() };
    const job = { stage, completedAt, outcome: stage === Stage.COMPLETED ? ended : undefined };
    const metadata = { requestMetadata: metadataOf(INVOCATION) };
    return recordOf({ ...metadata, stage: isDone ? Stage.COMPLETED : stage, cancelled, completedAt }, job);
  });

test("the list that a count leads to has what was counted", () => {
  fc.assert(
    fc.property(records, (record) => {
      const look = lookOf(toRow(toSummary(record)));
      const found = LOOKS.filter((each) => finds(buildFilter("invocation", INVOCATION, each), record));
      assert.deepEqual(found, [look]);
    }),
  );
});

test("a build is found by its id as it is, and by no other", () => {
  const one = recordOf({ requestMetadata: metadataOf(INVOCATION, "a group") });
  const other = recordOf({ requestMetadata: metadataOf(`${INVOCATION.replace("*", "x")}`) });
  const none = recordOf();
  for (const filter of [watchedBuild("invocation", INVOCATION), watchedBuild("correlated", "a group")]) {
    assert.deepEqual(
      [one, other, none].map((record) => finds(filter, record)),
      [true, false, false],
    );
  }
  assert.deepEqual(
    [one, other, none].map((record) => finds(watchedBuilds("invocation"), record)),
    [true, true, false],
  );
  assert.deepEqual(
    [one, other, none].map((record) => finds(watchedBuilds("correlated"), record)),
    [true, false, false],
  );
});
