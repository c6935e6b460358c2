import assert from "node:assert/strict";
import { test } from "node:test";
import { buildsOf, instancesOf, isRunning, percentEnded, tookMs } from "../../dashboard/src/invocation/builds.ts";
import { figuresOf, MOST_FAILURES, noCounts, quantilesOf } from "../../dashboard/src/invocation/figures.ts";
import { cached, ran, rowOf, runs, waits } from "./build-rows.ts";

test("a build is counted by look, and what failed comes in the order in which it ended", () => {
  const late = ran("a", 5, 90, { exitCode: 2 });
  const early = ran("b", 5, 40, { errorCode: 4, exitCode: undefined });
  const figures = figuresOf([late, early, ran("a", 90, 100), runs("a", 95), waits(50), cached(7)], 200);
  assert.deepEqual(figures.counts, { ...noCounts(), failed: 2, succeeded: 1, executing: 1, queued: 1, cached: 1 });
  assert.deepEqual(figures.failures, [late, early].reverse());
  assert.equal(figures.total, 6);
  assert.equal(figures.beganAt, 0);
  assert.equal(figures.movedAt, 100);
});

test("the longest runs and waits are ranked, those that go on by how long they have", () => {
  const rows = [ran("a", 10, 60), runs("b", 100), ran("c", 1, 31), waits(50), cached(0)];
  const { slowest, waited } = figuresOf(rows, 300);
  assert.deepEqual(
    slowest.map(({ ms }) => ms),
    [200, 50, 30],
  );
  assert.deepEqual(
    waited.map(({ ms }) => ms),
    [250, 100, 10, 1],
  );
});

test("of many only the first failures and the longest runs are kept", () => {
  const rows = Array.from({ length: 500 }, (_, index) => ran("a", 0, index + 1, { exitCode: 1 }));
  const { slowest, failures, counts } = figuresOf(rows, 1000);
  assert.deepEqual(
    slowest.map(({ ms }) => ms),
    Array.from({ length: 20 }, (_, index) => 500 - index),
  );
  assert.equal(failures.length, MOST_FAILURES);
  assert.equal(failures[0]?.completedAt, 1);
  assert.equal(counts.failed, 500);
});

test("half are at most the median, and all but one of twenty the 95th", () => {
  const hundred = Float64Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.deepEqual(quantilesOf(hundred), { p50: 50, p95: 95 });
  assert.deepEqual(quantilesOf(Float64Array.of(7)), { p50: 7, p95: 7 });
  assert.equal(quantilesOf(new Float64Array(0)), undefined);
});

test("rows are put together by invocation or by group, the latest begun first", () => {
  const rows = [
    ran("a", 5, 10, { invocation: "old", correlated: "g", queuedAt: 1 }),
    ran("a", 15, 40, { invocation: "new", correlated: "g", queuedAt: 12, exitCode: 1 }),
    waits(14, { invocation: "new", correlated: "g" }),
    rowOf({ invocation: "" }),
  ];
  const builds = buildsOf(rows);
  assert.deepEqual(
    builds.map(({ id, total, beganAt, movedAt }) => [id, total, beganAt, movedAt]),
    [
      ["new", 2, 12, 40],
      ["old", 1, 1, 10],
    ],
  );
  assert.deepEqual(builds[0]?.counts, { ...noCounts(), failed: 1, queued: 1 });
  assert.deepEqual(
    buildsOf(rows, "correlated").map(({ id, total }) => [id, total]),
    [["g", 3]],
  );
});

test("a build takes time while something of it lives, and runs for a moment longer", () => {
  const ended = { counts: { ...noCounts(), succeeded: 2 }, beganAt: 1000, movedAt: 4000 };
  const live = { ...ended, counts: { ...noCounts(), queued: 1 } };
  assert.equal(tookMs(ended, 60_000), 3000);
  assert.equal(tookMs(live, 60_000), 59_000);
  assert.equal(tookMs(live, 3000), 3000, "a reader's clock that is slow");
  assert.equal(tookMs({ ...live, beganAt: undefined }, 60_000), undefined);
  assert.equal(isRunning(live.counts, 4000, 60_000), true);
  assert.equal(isRunning(ended.counts, 4000, 5000), true);
  assert.equal(isRunning(ended.counts, 4000, 60_000), false);
});

test("a build is never said to be done before it is", () => {
  assert.equal(percentEnded({ ...noCounts(), succeeded: 999, queued: 1 }, 1000), 99);
  assert.equal(percentEnded({ ...noCounts(), cached: 2, failed: 1, cancelled: 1 }, 4), 100);
  assert.equal(percentEnded(noCounts(), 0), 0);
});

test("each instance is named once", () => {
  assert.deepEqual(instancesOf(["b/c/1", "a/2", "3", "b/c/4"].map((name) => rowOf({ name }))), ["", "a", "b/c"]);
});
