import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { silentLog } from "../../src/base/log.ts";
import { createScheduler, type Scheduler } from "../../src/scheduler/scheduler.ts";
import { fakeClock } from "../helpers/fake-clock.ts";
import { type Backend, backends, openStore, temporaryDir } from "../helpers/open-store.ts";
import { until } from "../helpers/until.ts";
import { bot, failed, finished, job, now, settings } from "../scheduler/farm.ts";

const MINUTE = 60_000;
const UNAVAILABLE = 14;

/** A farm that is ended and begun again, store and all. */
async function startFarm(t: TestContext, backend: Backend) {
  const clock = fakeClock();
  const dataDir = await temporaryDir(t);
  const start = async () => {
    const store = await openStore(t, backend, { dataDir });
    const scheduler = await createScheduler({
      ...{ store, clock, log: silentLog, instances: ["main", "other"] },
      settingsOf: () => ({ ...settings, maxAttempts: 3, orphanGraceMs: 0 }),
    });
    return { store, scheduler };
  };
  let running = await start();
  const stop = async () => {
    await running.scheduler[Symbol.asyncDispose]();
    await running.store[Symbol.asyncDispose]();
  };
  t.after(stop);
  return {
    clock,
    get store() {
      return running.store;
    },
    get scheduler() {
      return running.scheduler;
    },
    restart: async () => {
      await stop();
      running = await start();
    },
  };
}

async function totalOf({ figures }: Scheduler, instances = ["main"], windowMs = 60 * MINUTE) {
  const { total } = await figures.report(instances, windowMs);
  const { submitted, cached, merged, succeeded, failed: broken, cancelled, retried } = total;
  return { submitted, cached, merged, succeeded, failed: broken, cancelled, retried };
}

const NOTHING = { submitted: 0, cached: 0, merged: 0, succeeded: 0, failed: 0, cancelled: 0, retried: 0 };

for (const backend of backends) {
  describe(`figures of a farm on ${backend}`, () => {
    test("tell what was submitted and how it ended, each once", async (t) => {
      const farm = await startFarm(t, backend);
      const { scheduler, clock } = farm;
      const done = await scheduler.submit("main", job("done"));
      await scheduler.submit("main", job("done"));
      const outcome = { statusCode: 0, exitCode: 0, cached: true, response: new Uint8Array() };
      await scheduler.submit("main", job("known", { outcome }));
      await clock.advance(3000);
      const { name } = await scheduler.openSession("main", bot("one"));
      await clock.advance(2000);
      await scheduler.updateSession(name, bot("one", { leases: [finished(done.job.id)] }), now);
      await scheduler.updateSession(name, bot("one", { leases: [finished(done.job.id)] }), now);

      const exits = await scheduler.submit("main", job("exits"));
      await scheduler.updateSession(name, bot("one"), now);
      await scheduler.updateSession(name, bot("one", { leases: [finished(exits.job.id, 1)] }), now);
      const tried = await scheduler.submit("main", job("tried"));
      for (let attempt = 0; attempt < 3; attempt++) {
        await scheduler.updateSession(name, bot("one"), now);
        await scheduler.updateSession(name, bot("one", { leases: [failed(tried.job.id, UNAVAILABLE)] }), now);
      }
      const first = await scheduler.submit("main", job("unwanted"));
      const second = await scheduler.submit("main", job("unwanted"));
      for (const operation of [first, second, second, done]) await scheduler.cancel(operation);
      const killed = await scheduler.submit("main", job("killed"));
      const cause = { by: "client", identity: undefined, reason: "" } as const;
      for (const _ of [1, 2]) await scheduler.kill(killed, cause);

      const expected = { submitted: 8, cached: 1, merged: 2, succeeded: 1, failed: 2, cancelled: 2, retried: 2 };
      assert.deepEqual(await totalOf(scheduler), expected);
      const { total } = await scheduler.figures.report(["main"], 60 * MINUTE);
      assert.deepEqual([total.waits.count, total.runs.count], [3, 2]);
      assert.equal(total.waits.p50, 0);
      assert.ok(Math.abs(total.waits.p95 - 3000) <= 300, `${total.waits.p95}`);
      assert.ok(Math.abs(total.runs.p95 - 2000) <= 200, `${total.runs.p95}`);
      assert.deepEqual(await totalOf(scheduler, ["other"]), NOTHING);
      assert.deepEqual(await totalOf(scheduler, ["other", "main"]), expected);
    });

    test("count of an end and a cancellation that race the one that came first", async (t) => {
      const { scheduler, store } = await startFarm(t, backend);
      const capacity = 20;
      const { name } = await scheduler.openSession("main", bot("one", { capacity }));
      const ends = { succeeded: 0, cancelled: 0 };
      for (let round = 0; round < 10 && Math.min(ends.succeeded, ends.cancelled) === 0; round++) {
        const wishes = Array.from({ length: capacity }, (_, i) => scheduler.submit("main", job(`${round}-${i}`)));
        const operations = await Promise.all(wishes);
        await scheduler.updateSession(name, bot("one", { capacity }), now);
        const leases = operations.map((operation) => finished(operation.job.id));
        const update = scheduler.updateSession(name, bot("one", { capacity, leases }), now);
        await Promise.all(operations.map((operation) => scheduler.cancel(operation)));
        await update;
        for (const end of await Promise.all(operations.map((operation) => store.getOperation(operation)))) {
          ends[end?.cancelled ? "cancelled" : "succeeded"] += 1;
        }
      }
      assert.ok(ends.cancelled > 0, "no cancellation came first");
      const { succeeded, cancelled } = await totalOf(scheduler);
      assert.deepEqual({ succeeded, cancelled }, ends);
    });

    test("go on after a restart where they were", async (t) => {
      const farm = await startFarm(t, backend);
      await farm.scheduler.submit("main", job("a"));
      await farm.restart();
      assert.equal((await totalOf(farm.scheduler)).submitted, 1);
      await farm.scheduler.submit("main", job("b"));
      await farm.clock.advance(MINUTE);
      await farm.scheduler.submit("main", job("c"));
      assert.equal((await totalOf(farm.scheduler)).submitted, 3);
      await farm.restart();
      const { steps } = await farm.scheduler.figures.report(["main"], 3 * MINUTE);
      assert.deepEqual(
        steps.map(({ submitted }) => submitted),
        [0, 2, 1],
      );
    });

    test("are saved every few seconds, and after a day and a bit forgotten", async (t) => {
      const { clock, store, scheduler } = await startFarm(t, backend);
      const minute = Math.floor(clock.now() / MINUTE);
      const saved = () => store.figures("main", minute, minute);
      await scheduler.submit("main", job("a"));
      assert.deepEqual(await saved(), []);
      await clock.advance(5000);
      await until(async () => (await saved()).length === 1);
      await clock.advance(25 * 60 * MINUTE - 65_000);
      await until(async () => {
        await clock.advance(20_000);
        return (await saved()).length === 0;
      });
    });

    test("note what waits and runs, the last time of a step", async (t) => {
      const { clock, store, scheduler } = await startFarm(t, backend);
      const { name } = await scheduler.openSession("main", bot("one"));
      const running = await scheduler.submit("main", job("a"));
      await scheduler.submit("main", job("b"));
      await scheduler.updateSession(name, bot("one"), now);
      const live = async () => (await scheduler.figures.report(["main", "other"], MINUTE)).total.live;
      assert.equal(await live(), undefined);
      const minute = Math.floor(clock.now() / MINUTE);
      await clock.advance(20_000);
      await until(async () => (await store.figures("other", minute, minute)).length > 0);
      assert.deepEqual(await live(), { queued: 1, executing: 1 });
      await scheduler.updateSession(name, bot("one", { leases: [finished(running.job.id)] }), now);
      await until(async () => {
        if (clock.now() < (minute + 1) * MINUTE - 20_000) await clock.advance(20_000);
        const { queued, executing } = (await live()) ?? {};
        return queued === 0 && executing === 1;
      });
    });
  });
}
