import assert from "node:assert/strict";
import { test } from "node:test";
import { together } from "../../src/store/postgres/together.ts";

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

test("questions that wait while others fail are one group, and wait for no more than one failure", async () => {
  const groups: number[] = [];
  const ask = together<number, number>(async (questions) => {
    groups.push(questions.length);
    await new Promise(setImmediate);
    if (groups.length <= 3) throw new Error("away");
    for (const { key, resolve } of questions) resolve(key * 2);
  });
  const outcomes = await Promise.allSettled(range(1000).map(ask));
  assert.deepEqual(groups, [200, 200, 600]);
  assert.ok(outcomes.every(({ status }) => status === "rejected"));
  assert.deepEqual(
    await Promise.all(range(500).map(ask)),
    range(500).map((key) => key * 2),
  );
});
