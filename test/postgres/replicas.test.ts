import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { FarmService } from "../../gen/opgrid/v1/opgrid_pb.ts";
import { openPostgres } from "../helpers/open-postgres.ts";
import { sharedPostgres } from "../helpers/postgres.ts";
import { until } from "../helpers/until.ts";
import { openBot } from "../services/bot.ts";
import { type Grid, metadataOf, refusal, startGrid, watched } from "../services/grid.ts";

/** Servers on one database. What an action needs is put into the CAS of each, which they do not share here. */
async function startReplicas(t: TestContext, count: number, wish: Record<string, string> = {}): Promise<Grid[]> {
  const store = await (await sharedPostgres()).createDatabase();
  const flags = { store, ...wish };
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

test("an operation that is followed on another replica is no orphan, and one when nobody follows it", async (t) => {
  const [one, other] = (await startReplicas(t, 2, { "execution-orphan-grace": "1s" })) as [Grid, Grid];
  const executing = await one.execute({ instanceName: "main", actionDigest: await one.action() });
  executing.ended.catch(() => {});
  executing.drop();
  const hangUp = new AbortController();
  const stream = other.execution.waitExecution({ name: executing.name }, { signal: hangUp.signal });
  const following = await watched(stream, hangUp);
  following.ended.catch(() => {});
  await delay(3500);
  assert.equal((await stateOf(other, executing.name)).done, false);
  following.drop();
  await until(async () => (await stateOf(one, executing.name)).done, "the orphan to end", 8000);
});

test("an operation that somebody polls on another replica is no orphan", async (t) => {
  const [one, other] = (await startReplicas(t, 2, { "execution-orphan-grace": "1s" })) as [Grid, Grid];
  const executing = await one.execute({ instanceName: "main", actionDigest: await one.action() });
  executing.ended.catch(() => {});
  await other.operations.getOperation({ name: executing.name });
  executing.drop();
  await delay(2500);
  assert.equal((await stateOf(other, executing.name)).done, false);
});

/** As a list shows it, which is no poll. */
async function stateOf(grid: Grid, name: string) {
  const filter = `name = ${name.slice(name.lastIndexOf("/") + 1)}`;
  const { operations } = await grid.operations.listOperations({ name: "main", filter });
  assert.equal(operations.length, 1);
  return operations[0] as (typeof operations)[0];
}

test("one process has a duty until it lets it go by", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const [one, other] = [await openPostgres(t, { url }), await openPostgres(t, { url })];
  assert.equal(await one.shared?.holdDuty("sweep", 500), true);
  assert.equal(await one.shared?.holdDuty("sweep", 500), true);
  assert.equal(await other.shared?.holdDuty("sweep", 500), false);
  assert.equal(await other.shared?.holdDuty("another", 500), true);
  await until(async () => (await other.shared?.holdDuty("sweep", 500)) === true);
  assert.equal(await one.shared?.holdDuty("sweep", 500), false);
});

test("processes on one store each offer the services that they are told to", async (t) => {
  const store = await (await sharedPostgres()).createDatabase();
  const front = await startGrid(t, { store, services: "operations,farm" });
  const rest = await startGrid(t, { store, services: "execution,bots,cas,action_cache,bytestream,capabilities" });
  const { name } = await rest.execute({ instanceName: "main", actionDigest: await rest.action() });
  assert.equal((await front.operations.getOperation({ name })).name, name);
  const error = await refusal(rest.operations.getOperation({ name }), Code.Unimplemented);
  assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "SERVICE_NOT_ENABLED");
  await refusal(front.capabilities.getCapabilities({ instanceName: "main" }), Code.Unimplemented);
});

test("replicas count everything once, whoever does it, and each sees what all have counted", async (t) => {
  const [one, other] = (await startReplicas(t, 2)) as [Grid, Grid];
  const bot = await openBot(other.bots);
  const work = bot.lease();
  const operation = await one.execute({ instanceName: "main", actionDigest: await one.action() });
  await bot.complete((await work).id);
  await operation.ended;
  const cancelled = await one.execute({ instanceName: "main", actionDigest: await one.action() });
  await Promise.all([one, other].map((grid) => grid.operations.cancelOperation({ name: cancelled.name })));
  await cancelled.ended;
  for (const { client } of [one, other]) {
    await until(
      async () => {
        const { total } = await client(FarmService).getFigures({ instanceName: "main" });
        assert.ok(total);
        const { submittedCount, succeededCount, failedCount, cancelledCount, executionDuration } = total;
        const counts = [submittedCount, succeededCount, failedCount, cancelledCount, executionDuration?.count];
        return counts.join() === "2,1,0,1,1";
      },
      "both replicas to tell the same",
      15_000,
    );
  }
});
