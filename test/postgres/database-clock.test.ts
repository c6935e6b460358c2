import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { DatabaseClock } from "../../src/store/postgres/database-clock.ts";
import { fakeClock } from "../helpers/fake-clock.ts";
import { openPostgres } from "../helpers/open-postgres.ts";
import { sharedPostgres, startPostgres } from "../helpers/postgres.ts";
import { runSql } from "../helpers/postgres-server.ts";
import { until } from "../helpers/until.ts";

const HOUR_MS = 3_600_000;

/** A database whose time and way the test sets, and a machine that is two hours behind it. */
async function distant() {
  const clock = fakeClock();
  const way = { thereMs: 0, backMs: 0, aheadMs: 2 * HOUR_MS, down: false };
  const warnings: object[] = [];
  const time = new DatabaseClock({
    clock,
    log: { ...silentLog, warn: (fields: object) => void warnings.push(fields) },
    ask: async () => {
      if (way.down) throw new Error("the database is away");
      await clock.advance(way.thereMs);
      const answer = clock.now() + way.aheadMs;
      await clock.advance(way.backMs);
      return answer;
    },
  });
  await time.start();
  const errorMs = () => time.now() - clock.now() - way.aheadMs;
  return { clock, time, way, warnings, errorMs };
}

test("the time is the database's to within half a round trip, and a later answer moves it only as far as it must", async () => {
  const { time, way, errorMs, warnings } = await distant();
  assert.equal(errorMs(), 0);
  assert.deepEqual(warnings, [{ aheadMs: -2 * HOUR_MS }]);
  Object.assign(way, { thereMs: 0, backMs: 400 });
  await time.measure();
  assert.equal(errorMs(), 0);
  Object.assign(way, { thereMs: 300, backMs: 0, aheadMs: 2 * HOUR_MS - 100 });
  await time.measure();
  assert.equal(errorMs(), 100, "an answer that took 300 ms does not prove it wrong");
  Object.assign(way, { thereMs: 10, backMs: 10 });
  await time.measure();
  assert.equal(errorMs(), 10);
});

test("an answer that took long counts for nothing", async () => {
  const { time, way, errorMs } = await distant();
  Object.assign(way, { thereMs: 0, backMs: 5000, aheadMs: 3 * HOUR_MS });
  await time.measure();
  assert.equal(errorMs(), -HOUR_MS);
});

test("a database whose clock is set, or another one after a failover, is followed at the next question", async () => {
  const { clock, time, way, errorMs, warnings } = await distant();
  warnings.length = 0;
  way.aheadMs = HOUR_MS;
  await clock.advance(5000);
  assert.equal(errorMs(), 0);
  assert.deepEqual(warnings, [{ movedMs: -HOUR_MS }]);
  way.down = true;
  await clock.advance(60_000);
  assert.equal(errorMs(), 0);
  Object.assign(way, { down: false, aheadMs: 0 });
  await clock.advance(5000);
  assert.equal(errorMs(), 0);
  time[Symbol.dispose]();
  assert.equal(clock.pending(), 0);
});

/** What a machine shows whose time somebody sets; it goes on by itself. */
function settable(): Clock & { aheadMs: number } {
  return {
    ...systemClock,
    aheadMs: 0,
    now() {
      return Date.now() + this.aheadMs;
    },
  };
}

test("the store's time is PostgreSQL's, whatever happens to the time of the machine", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const clock = settable();
  clock.aheadMs = -HOUR_MS;
  const time = (await openPostgres(t, { url, clock })).shared?.clock;
  assert.ok(time);
  let last = time.now();
  for (const aheadMs of [HOUR_MS, -HOUR_MS, 0]) {
    clock.aheadMs = aheadMs;
    const [[theirs] = []] = await runSql(url, "SELECT extract(epoch FROM clock_timestamp())::float8 * 1000");
    const ours = time.now();
    assert.ok(Math.abs(ours - Number(theirs)) < 500, `${ours} and ${theirs}`);
    assert.ok(ours >= last);
    last = ours;
  }
});

test("the time goes on while PostgreSQL is away", async (t) => {
  const postgres = await startPostgres();
  const url = await postgres.createDatabase();
  const store = await openPostgres(t, { url, connectTimeoutMs: 500 });
  const time = store.shared?.clock;
  assert.ok(time);
  const aheadMs = time.now() - Date.now();
  await postgres.stop();
  await delay(700);
  assert.ok(Math.abs(time.now() - Date.now() - aheadMs) < 50);
  await postgres.start();
  await until(() =>
    store.ready().then(
      () => true,
      () => false,
    ),
  );
  assert.ok(Math.abs(time.now() - Date.now() - aheadMs) < 500);
});
