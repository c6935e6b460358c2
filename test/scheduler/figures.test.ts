import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { digestOf } from "../../src/base/digests.ts";
import { silentLog } from "../../src/base/log.ts";
import { type JobRecord, Stage } from "../../src/operations/operations.ts";
import { CLASSES, classOf, durationsOf } from "../../src/scheduler/durations.ts";
import { addCounts, encodeCounts, SLOTS, Slot } from "../../src/scheduler/figure-counts.ts";
import { windowOf } from "../../src/scheduler/figure-report.ts";
import { createFigureKeeper } from "../../src/scheduler/figures.ts";
import { createTally } from "../../src/scheduler/tally.ts";
import type { Store } from "../../src/store/store.ts";
import { fakeClock } from "../helpers/fake-clock.ts";
import { openStore } from "../helpers/open-store.ts";
import { until } from "../helpers/until.ts";

const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 1, 12);
const YEAR_MS = 366 * 86_400_000;

test("quantiles of any durations up to a year are within 10 % of the true ones", () => {
  const duration = fc.oneof(fc.nat(50), fc.nat(100_000), fc.nat(YEAR_MS));
  fc.assert(
    fc.property(fc.array(duration, { minLength: 1, maxLength: 300 }), (durations) => {
      const classes = new Uint32Array(CLASSES);
      for (const ms of durations) classes[classOf(ms)] = (classes[classOf(ms)] ?? 0) + 1;
      const sorted = durations.toSorted((a, b) => a - b);
      const { count, p50, p95 } = durationsOf(classes);
      assert.equal(count, sorted.length);
      for (const [found, rank] of [
        [p50, Math.ceil(count / 2)],
        [p95, count - Math.floor(count / 20)],
      ] as const) {
        const truth = sorted[rank - 1] ?? Number.NaN;
        assert.ok(Math.abs(found - truth) <= truth * 0.1 + 1e-9, `${found} for ${truth}`);
      }
    }),
  );
});

test("what is no duration counts as the shortest or the longest", () => {
  assert.deepEqual([-5, 0, 1, Number.MAX_SAFE_INTEGER].map(classOf), [0, 0, 1, CLASSES - 1]);
  assert.deepEqual(durationsOf(new Uint32Array(CLASSES)), { count: 0, p50: 0, p95: 0 });
});

test("counts come back from their encoding, and add up", () => {
  const counts = fc.array(fc.oneof(fc.constant(0), fc.nat(3), fc.nat(2 ** 31 - 1)), {
    minLength: SLOTS,
    maxLength: SLOTS,
  });
  fc.assert(
    fc.property(counts, counts, (a, b) => {
      const sum = new Float64Array(SLOTS);
      for (const each of [a, b]) addCounts(encodeCounts(each), sum);
      assert.deepEqual(
        [...sum],
        a.map((count, i) => count + (b[i] ?? 0)),
      );
    }),
  );
});

test("damaged counts end, and reach no slot that there is not", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const sum = new Float64Array(SLOTS);
      addCounts(bytes, sum);
      assert.ok(sum.every((count) => Number.isSafeInteger(count) && count >= 0));
    }),
  );
});

test("a window has at most 60 steps of whole minutes, of which the last has begun and the first is not before it", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: START, max: START + YEAR_MS }),
      fc.integer({ min: 1, max: 1440 * MINUTE }),
      (at, ms) => {
        const { from, stepMinutes, steps } = windowOf(at, ms);
        const end = (from + steps * stepMinutes) * MINUTE;
        assert.ok(steps >= 1 && steps <= 60 && Number.isInteger(stepMinutes));
        assert.ok(at < end && at >= end - stepMinutes * MINUTE);
        assert.ok(from * MINUTE > at - Math.max(ms, MINUTE) - (steps * stepMinutes * MINUTE - ms));
        assert.ok(steps * stepMinutes * MINUTE >= ms);
      },
    ),
  );
  const { from, ...day } = windowOf(START + 1, 1440 * MINUTE);
  assert.deepEqual([day, from % 24], [{ stepMinutes: 24, steps: 60 }, 0]);
});

test("minutes that nobody saves are dropped from the oldest on, and those of the store take no room", () => {
  const tally = createTally();
  for (let minute = 0; minute < 2000; minute++) {
    for (let i = 0; i < 10; i++) tally.add(`instance-${i}`, START + minute * MINUTE, Slot.SUBMITTED);
  }
  assert.equal(tally.size, 10_000 + 10);
  assert.equal(tally.dropped, 2000 * 10 - 10_010);
  assert.equal(tally.recordsOf("instance-1")[0]?.minute, START / MINUTE + 2000 - 1001);
  for (const { saved } of tally.unsaved()) saved();
  assert.equal(tally.size, 10);
  assert.deepEqual(tally.unsaved(), []);
});

test("what is counted while it is saved is saved the next time, also when the minute ends meanwhile", () => {
  const tally = createTally();
  tally.add("main", START, Slot.SUBMITTED);
  const [first] = tally.unsaved();
  tally.add("main", START, Slot.SUBMITTED);
  tally.add("main", START + MINUTE, Slot.SUBMITTED);
  tally.add("main", START, Slot.SUBMITTED);
  first?.saved();
  const counts = tally.unsaved().map(({ record }) => {
    const sum = new Float64Array(SLOTS);
    addCounts(record.counts, sum);
    return [record.minute - START / MINUTE, sum[Slot.SUBMITTED]];
  });
  assert.deepEqual(counts, [
    [0, 2],
    [1, 1],
    [0, 1],
  ]);
  assert.equal(new Set(tally.unsaved().map(({ record }) => record.part)).size, 3);
});

/** A store that says that it could not save, whether or not it did. */
async function unreliable(t: TestContext) {
  const store = await openStore(t, "sqlite");
  const fault = { before: false, after: false };
  const putFigures: Store["putFigures"] = async (records) => {
    if (fault.before) throw new Error("cannot");
    await store.putFigures(records);
    if (fault.after) throw new Error("nobody knows");
  };
  return { store: { ...store, putFigures }, fault };
}

test("nothing is lost or counted twice while the store is away, or answers are lost", async (t) => {
  const clock = fakeClock(START);
  const { store, fault } = await unreliable(t);
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (_fields: object, message: string) => void warnings.push(message) };
  const figures = createFigureKeeper({ store, clock, log });
  const submitted = async (keeper = figures) => (await keeper.report(["main"], 60 * MINUTE)).total.submitted;
  for (const each of [{ before: true }, { after: true }, { before: true, after: true }, {}]) {
    Object.assign(fault, { before: false, after: false, ...each });
    figures.submitted("main", clock.now(), "new");
    await clock.advance(40_000);
    await figures.save();
  }
  assert.equal(await submitted(), 4);
  assert.deepEqual(warnings, ["cannot save figures"]);
  const elsewhere = createFigureKeeper({ store, clock, log });
  assert.equal(await submitted(elsewhere), 4);
  assert.equal(clock.pending(), 0);
});

test("keepers on one store add up, and see what the others saved", async (t) => {
  const clock = fakeClock(START);
  const store = await openStore(t, "sqlite");
  const [one, other] = [1, 2].map(() => createFigureKeeper({ store, clock, log: silentLog }));
  assert.ok(one && other);
  for (const keeper of [one, other, other]) keeper.retried("main", clock.now());
  await other.save();
  const retried = async () => (await one.report(["main"], MINUTE)).total.retried;
  assert.equal(await retried(), 3);
  await one.stop();
  assert.equal(await retried(), 3);
  other.retried("main", clock.now());
  await clock.advance(5000);
  await until(async () => (await retried()) === 4);
});

test("a bot whose clock is wrong cannot make a run longer than it had the job", async (t) => {
  const clock = fakeClock(START);
  const figures = createFigureKeeper({ store: await openStore(t, "sqlite"), clock, log: silentLog });
  const outcome = { statusCode: 0, exitCode: 0, cached: false, response: new Uint8Array() };
  const run = { ...jobRecord(), assignedAt: START - 1000 };
  for (const startedAt of [0, START - 86_400_000, undefined]) figures.ended(run, START, { outcome, startedAt });
  figures.ended(run, START, { outcome, startedAt: START + 86_400_000 });
  const { runs } = (await figures.report(["main"], MINUTE)).total;
  assert.equal(runs.count, 4);
  assert.ok(Math.abs(runs.p95 - 1000) <= 100, `${runs.p95}`);
});

function jobRecord(): JobRecord {
  return {
    ...{ id: "1", instance: "main", action: digestOf(Buffer.from("")), command: "", platform: [], priority: 0 },
    ...{ cacheable: true, timeoutMs: 1, stage: Stage.EXECUTING, attempts: 1, queuedAt: START - 2000 },
    ...{ assignedAt: undefined, startedAt: undefined, completedAt: undefined, session: "main/1", worker: "one" },
    ...{ partialMetadata: undefined, outcome: undefined },
  };
}
