import assert from "node:assert/strict";
import { test } from "node:test";
import { createTurns } from "../../src/scheduler/turns.ts";

const untilAborted = (signal: AbortSignal) =>
  signal.aborted
    ? Promise.resolve()
    : new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));

test("a newer call hurries the older one and runs after it", async () => {
  const turns = createTurns();
  const order: string[] = [];
  const older = turns.take("a", undefined, async (signal) => {
    order.push("older begins");
    await untilAborted(signal);
    order.push("older ends");
  });
  const newer = turns.take("a", undefined, async () => void order.push("newer"));
  await Promise.all([older, newer]);
  assert.deepEqual(order, ["older begins", "older ends", "newer"]);
});

test("keys do not wait for each other", async () => {
  const turns = createTurns();
  const release = Promise.withResolvers<void>();
  const held = turns.take("a", undefined, () => release.promise);
  assert.equal(await turns.take("b", undefined, async () => "done"), "done");
  release.resolve();
  await held;
});

test("a failed turn fails its own call only", async () => {
  const turns = createTurns();
  const failing = turns.take("a", undefined, () => Promise.reject(new Error("broken")));
  const next = turns.take("a", undefined, async () => "fine");
  await assert.rejects(failing, /broken/);
  assert.equal(await next, "fine");
});

test("the caller's own abort reaches the turn", async () => {
  const turns = createTurns();
  const abort = new AbortController();
  const turn = turns.take("a", abort.signal, untilAborted);
  abort.abort();
  await turn;
});

test("three calls for a key never overlap", async () => {
  const turns = createTurns();
  let running = 0;
  const body = async () => {
    assert.equal(++running, 1);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
  };
  await Promise.all([1, 2, 3].map(() => turns.take("a", undefined, body)));
});
