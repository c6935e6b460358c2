import assert from "node:assert/strict";
import { test } from "node:test";
import { createOrphans } from "../../src/scheduler/orphans.ts";
import { fakeClock } from "../helpers/fake-clock.ts";

const key = { instance: "main", id: "1" };

function setup(grace: { orphanGraceMs?: number; polledOrphanGraceMs?: number } = {}) {
  const clock = fakeClock();
  const abandoned: string[] = [];
  const orphans = createOrphans({
    clock,
    graceOf: () => ({ orphanGraceMs: 30_000, polledOrphanGraceMs: 0, ...grace }),
    abandon: ({ id }) => void abandoned.push(id),
  });
  return { clock, orphans, abandoned };
}

test("an operation that nobody follows is abandoned after the grace time", async () => {
  const { clock, orphans, abandoned } = setup();
  orphans.watchOver(key, false);
  await clock.advance(29_999);
  assert.deepEqual(abandoned, []);
  await clock.advance(1);
  assert.deepEqual(abandoned, ["1"]);
  assert.equal(orphans.size, 0);
});

test("a follower keeps it, and the grace time begins when the last one goes", async () => {
  const { clock, orphans, abandoned } = setup();
  orphans.watchOver(key, false);
  const [first, second] = [orphans.follow(key, false), orphans.follow(key, false)];
  await clock.advance(60_000);
  first();
  first();
  await clock.advance(60_000);
  assert.deepEqual(abandoned, []);
  second();
  await clock.advance(30_000);
  assert.deepEqual(abandoned, ["1"]);
});

test("a client that comes back within the grace time is in time, however often", async () => {
  const { clock, orphans, abandoned } = setup();
  for (let i = 0; i < 5; i++) {
    const leave = orphans.follow(key, false);
    await clock.advance(1000);
    leave();
    await clock.advance(29_000);
  }
  assert.deepEqual(abandoned, []);
});

test("a polled operation is kept without end by default", async () => {
  const { clock, orphans, abandoned } = setup();
  orphans.watchOver(key, false);
  orphans.watchOver(key, true);
  await clock.advance(10 * 3_600_000);
  assert.deepEqual(abandoned, []);
  assert.equal(orphans.size, 0);
});

test("a polled operation stays polled when a stream comes and goes", async () => {
  const { clock, orphans, abandoned } = setup();
  const leave = orphans.follow(key, true);
  leave();
  await clock.advance(3_600_000);
  assert.deepEqual(abandoned, []);
});

test("each poll starts the grace time of polled operations anew", async () => {
  const { clock, orphans, abandoned } = setup({ polledOrphanGraceMs: 60_000 });
  for (let i = 0; i < 3; i++) {
    orphans.watchOver(key, true);
    await clock.advance(59_000);
  }
  assert.deepEqual(abandoned, []);
  await clock.advance(1000);
  assert.deepEqual(abandoned, ["1"]);
});

test("no grace time means no end", async () => {
  const { clock, orphans, abandoned } = setup({ orphanGraceMs: 0 });
  orphans.watchOver(key, false);
  await clock.advance(10 * 3_600_000);
  assert.deepEqual(abandoned, []);
  assert.equal(clock.pending(), 0);
});

test("a forgotten operation is not abandoned, also when its follower leaves later", async () => {
  const { clock, orphans, abandoned } = setup();
  const leave = orphans.follow(key, false);
  orphans.forget(key);
  leave();
  await clock.advance(60_000);
  assert.deepEqual(abandoned, []);
  assert.equal(orphans.size, 0);
});
