import assert from "node:assert/strict";
import { test } from "node:test";
import type { Code } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import { failedOutcome } from "../../src/operations/operations.ts";
import { RETENTION_BATCH, retentionDuty } from "../../src/scheduler/retention.ts";
import { Rounds } from "../../src/scheduler/rounds.ts";
import { fakeClock } from "../helpers/fake-clock.ts";
import { until } from "../helpers/until.ts";
import { bot, finished, job, now, settings, startFarm } from "./farm.ts";

const AGE = 10 * 60_000;
const CANCELLED = 1 satisfies Code;

test("a completed operation goes at its age with its job and history, a live one stays", async (t) => {
  const farm = await startFarm(t, { retentionMs: AGE, orphanGraceMs: 0 });
  const { scheduler, store, clock } = farm;
  const done = await scheduler.submit("main", job("done"));
  const session = await scheduler.openSession("main", bot("one"));
  await scheduler.updateSession(session.name, bot("one", { leases: [finished(done.job.id)] }), now);
  const live = await scheduler.submit("main", job("live"));
  await clock.advance(AGE - 60_000);
  assert.ok(await store.getJob(done.job.id));
  await until(async () => {
    await clock.advance(60_000);
    return (await store.getJob(done.job.id)) === undefined;
  });
  assert.equal(await store.getOperation(done), undefined);
  assert.deepEqual(await store.history(done.job.id), []);
  assert.ok(await store.getOperation(live));
});

test("old operations go batch by batch, with time for others between", async (t) => {
  const { scheduler, store, clock } = await startFarm(t);
  const outcome = failedOutcome(CANCELLED, "made up");
  const count = RETENTION_BATCH * 2 + 1;
  await Promise.all(Array.from({ length: count }, (_, i) => scheduler.submit("main", job(`old ${i}`, { outcome }))));
  const left = async () => {
    const filter = { kind: "and", terms: [] } as const;
    const order = [{ key: "name", descending: false }] as const;
    return (await store.listOperations({ instance: "main", filter, order, after: undefined, limit: count + 1 })).length;
  };

  // A clock of its own, so that its timers are the only ones.
  const own = fakeClock(clock.now() + AGE);
  const settingsOf = () => ({ ...settings, retentionMs: AGE });
  const about = { clock: own, log: silentLog };
  const duties = [retentionDuty({ ...about, store, instances: ["main", "other"], settingsOf })];
  const rounds = new Rounds({ ...about, shared: undefined, duties });
  t.after(() => rounds.stop());
  // Besides the timer of the next round there is one between two batches.
  for (const [waitMs, expected, timers] of [
    [60_000, count - RETENTION_BATCH, 2],
    [100, 1, 2],
    [100, 0, 1],
  ] as const) {
    await own.advance(waitMs);
    await until(async () => own.pending() === timers && (await left()) === expected);
    assert.equal(await left(), expected);
  }
});

test("without a retention nothing goes", async (t) => {
  const { scheduler, store, clock } = await startFarm(t);
  const outcome = failedOutcome(CANCELLED, "made up");
  const operation = await scheduler.submit("main", job("kept", { outcome }));
  await clock.advance(10 * AGE);
  assert.ok(await store.getOperation(operation));
});
