import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { Rounds } from "../../src/scheduler/rounds.ts";
import { openPostgres } from "../helpers/open-postgres.ts";
import { sharedPostgres, startPostgres } from "../helpers/postgres.ts";
import { until } from "../helpers/until.ts";

/** A process with one duty, which takes a while, and with the times at which it was done. */
async function startProcess(t: TestContext, url: string, everyMs: number, tookMs = 0) {
  const store = await openPostgres(t, { url });
  const times: number[] = [];
  const complaints: string[] = [];
  const statements = { count: 0 };
  const { shared } = store;
  assert.ok(shared);
  const counted = {
    ...shared,
    holdDuty: (name: string, forMs: number) => {
      statements.count++;
      return shared.holdDuty(name, forMs);
    },
  };
  const log = { ...silentLog, warn: (_: object, message: string) => void complaints.push(message) };
  const run = async () => {
    times.push(performance.now());
    await delay(tookMs);
  };
  const duties = [{ failure: "it failed", everyMs, run }];
  const rounds = new Rounds({ shared: counted, clock: systemClock, log, duties });
  t.after(() => rounds.stop());
  return { rounds, times, complaints, statements };
}

test("one of several processes has the duties, and another has them within five seconds of its death", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const startedAt = performance.now();
  const processes = await Promise.all([1, 2, 3].map(() => startProcess(t, url, 2000)));
  await until(() => processes.some(({ times }) => times.length === 3), "three rounds", 10_000);
  const [holder, ...others] = processes.sort((a, b) => b.times.length - a.times.length);
  assert.deepEqual(
    others.map(({ times }) => times.length),
    [0, 0],
  );
  // It says nothing when it goes, as when it dies.
  await holder?.rounds.stop();
  const diedAt = performance.now();
  await until(() => others.some(({ times }) => times.length > 0), "another process to take over", 6000);
  assert.ok(performance.now() - diedAt < 5500);
  assert.equal(others.filter(({ times }) => times.length > 0).length, 1);
  const beats = (performance.now() - startedAt) / 2000;
  for (const { statements } of processes) assert.ok(statements.count <= beats + 1, `${statements.count} of ${beats}`);
});

test("a duty that takes long keeps its process, and is not begun anew meanwhile", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const processes = await Promise.all([1, 2].map(() => startProcess(t, url, 1000, 6000)));
  await until(() => processes.some(({ times }) => times.length > 0), "a round", 5000);
  await delay(5000);
  assert.deepEqual(processes.map(({ times }) => times.length).sort(), [0, 1]);
});

test("without the database nobody has the duties, which is said once", async (t) => {
  const postgres = await startPostgres();
  const one = await startProcess(t, await postgres.createDatabase(), 500);
  await until(() => one.times.length > 0);
  await postgres.stop();
  await until(() => one.complaints.length > 0);
  const { length } = one.times;
  await delay(1500);
  assert.deepEqual([one.times.length, one.complaints], [length, ["cannot ask whose the periodic duties are"]]);
  await postgres.start();
  await until(() => one.times.length > length);
});
