import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { sharedPostgres } from "../helpers/postgres.ts";
import { until } from "../helpers/until.ts";
import { openBot } from "../services/bot.ts";
import { type Grid, metadataOf, startGrid, watched } from "../services/grid.ts";

/** Servers on one database. What an action needs is put into the CAS of each, which they do not share here. */
async function startReplicas(t: TestContext, count: number): Promise<Grid[]> {
  const store = await (await sharedPostgres()).createDatabase();
  const flags = { store };
  return Promise.all(Array.from({ length: count }, () => startGrid(t, flags)));
}

test("a bot that waits on one replica gets what is submitted on another at once", async (t) => {
  const [one, other] = (await startReplicas(t, 2)) as [Grid, Grid];
  const bot = await openBot(other.bots);
  const work = bot.lease();
  const operation = await one.execute({ instanceName: "main", actionDigest: await one.action() });
  const startedAt = Date.now();
  const lease = await work;
  assert.ok(Date.now() - startedAt < 1500, `${Date.now() - startedAt} ms`);
  await bot.complete(lease.id);
  assert.equal((await operation.ended).done, true);
});

test("an operation of one replica is followed, cancelled and worked on through three others", async (t) => {
  const [one, two, three, four] = (await startReplicas(t, 4)) as [Grid, Grid, Grid, Grid];
  const executing = await one.execute({ instanceName: "main", actionDigest: await one.action() });
  const following = await watched(two.execution.waitExecution({ name: executing.name }));
  const bot = await openBot(three.bots);
  const lease = await bot.lease();
  await until(() => following.stages().includes(3));
  await until(() => executing.stages().includes(3));
  await four.operations.cancelOperation({ name: executing.name });
  const ends = await Promise.all([executing.ended, following.ended]);
  assert.deepEqual(
    ends.map((end) => metadataOf(end).stage),
    [4, 4],
  );
  const { leases } = await bot.update([{ id: lease.id, state: 2 }]);
  assert.deepEqual(leases, []);
});
