import assert from "node:assert/strict";
import { test } from "node:test";
import { filterAt, matches, parseFilter, Stage } from "../../src/operations/operations.ts";
import { executingRecord, QUEUED_AT, recordOf } from "./records.ts";

const holds = (text: string, record = recordOf()) => matches(filterAt(parseFilter(text).filter, QUEUED_AT), record);

test("an empty filter matches everything", () => {
  assert.ok(holds(""));
});

test("stages compare by their order", () => {
  const executing = executingRecord();
  const passing = ["= EXECUTING", "!= QUEUED", "< COMPLETED", "<= EXECUTING", "> QUEUED", ">= EXECUTING"];
  const failing = ["= QUEUED", "!= EXECUTING", "< EXECUTING", "<= QUEUED", "> EXECUTING", ">= COMPLETED"];
  for (const condition of passing) assert.ok(holds(`stage ${condition}`, executing), condition);
  for (const condition of failing) assert.ok(!holds(`stage ${condition}`, executing), condition);
});

test("names compare as text, by the bare id", () => {
  const record = recordOf({ id: "0198b" });
  for (const condition of ["= 0198b", "!= 0198", "< 0198c", "<= 0198b", "> 0198a", ">= 0198b"]) {
    assert.ok(holds(`name ${condition}`, record), condition);
  }
  for (const condition of ["= 0198B", "!= 0198b", "< 0198b", "<= 0198a", "> 0198b", ">= 0198c"]) {
    assert.ok(!holds(`name ${condition}`, record), condition);
  }
});

test("all terms must hold, and one key may stand in several", () => {
  assert.ok(holds("stage >= QUEUED & stage < COMPLETED & name != x"));
  assert.ok(!holds("stage = QUEUED & stage = EXECUTING"));
});

test("the stage is the operation's, not its job's", () => {
  const cancelledAlone = executingRecord({ stage: Stage.COMPLETED, cancelled: true });
  assert.ok(holds("stage = COMPLETED", cancelledAlone));
});
