import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startPostgres } from "../helpers/postgres.ts";
import { until } from "../helpers/until.ts";
import { openBot } from "../services/bot.ts";
import { startGrid } from "../services/grid.ts";

test("graces of operations and bot sessions that ran out while the database was away begin anew", async (t) => {
  const postgres = await startPostgres();
  const flags = {
    store: await postgres.createDatabase(),
    "execution-orphan-grace": "3s",
    "bot-sessions-timeout": "3s",
  };
  // They complain of the outage.
  const expected = /cannot|periodic|orphaned|lost|failed/;
  const one = await startGrid(t, flags, { expected });
  const other = await startGrid(t, flags, { expected });
  const bot = await openBot(one.bots);
  const work = bot.lease();
  const executing = await one.execute({ instanceName: "main", actionDigest: await one.action() });
  executing.ended.catch(() => {});
  const lease = await work;
  await until(() => executing.stages().includes(3));

  const from = performance.now();
  await postgres.stop();
  executing.drop();
  await delay(1500);
  await postgres.start();
  // Without the outage it would be over by now, as nobody could come back or report.
  await delay(Math.max(0, from + 3800 - performance.now()));
  const filter = `name = ${executing.name.slice(executing.name.lastIndexOf("/") + 1)}`;
  const state = async () => (await other.operations.listOperations({ name: "main", filter })).operations[0];
  assert.equal((await state())?.done, false);
  const { leases } = await bot.update([{ id: lease.id, state: 2 }]);
  assert.deepEqual(
    leases.map(({ id }) => id),
    [lease.id],
  );
  await until(async () => (await state())?.done === true, "the orphan to end", 10_000);
});
