import assert from "node:assert/strict";
import { test } from "node:test";
import { BotStatus } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import type { OperationRecord } from "../../src/operations/operations.ts";
import { bot, type Farm, job, startFarm } from "./farm.ts";

const arm = [
  { name: "ISA", value: "arm64" },
  { name: "OSFamily", value: "linux" },
];

async function waitOf(farm: Farm, operation: OperationRecord): Promise<[reason?: string, text?: string]> {
  const standing = await farm.scheduler.census.standing(operation);
  return standing?.queued ? [standing.queued.wait.reason, standing.queued.wait.text] : [];
}

test("a queued job knows what it waits for", async (t) => {
  const farm = await startFarm(t);
  const { scheduler } = farm;
  const first = await scheduler.submit("main", job("first"));
  const next = await scheduler.submit("main", job("next"));
  const last = await scheduler.submit("main", job("last"));
  const forArm = await scheduler.submit("main", job("arm", { platform: arm }));
  assert.deepEqual(await waitOf(farm, first), ["no-matching-worker", "no bot serves main"]);

  await scheduler.openSession("main", bot("one"));
  assert.deepEqual(await waitOf(farm, first), []);
  assert.deepEqual(await waitOf(farm, next), ["workers-busy", "the only matching bot is busy"]);
  assert.deepEqual(await waitOf(farm, last), ["behind-others", "1 ahead in the queue"]);
  assert.deepEqual(await waitOf(farm, forArm), ["no-matching-worker", "no bot offers ISA=arm64"]);

  await scheduler.openSession("*", bot("two"));
  assert.deepEqual(await waitOf(farm, last), ["workers-busy", "all 2 matching bots are busy"]);
  const mac = [{ name: "ISA", value: "arm64" }];
  await scheduler.openSession("main", bot("mac", { properties: mac }));
  assert.deepEqual(await waitOf(farm, forArm), [
    "no-matching-worker",
    "no bot offers all of ISA=arm64, OSFamily=linux",
  ]);
  await scheduler.openSession("main", bot("pi", { properties: arm, status: BotStatus.UNHEALTHY }));
  assert.deepEqual(await waitOf(farm, forArm), [
    "workers-unavailable",
    "the only matching bot is unhealthy or leaving",
  ]);
  await scheduler.openSession("main", bot("nano", { properties: [{ name: "ISA", value: "*" }, ...arm.slice(1)] }));
  assert.deepEqual(await waitOf(farm, last), []);
  assert.deepEqual(await waitOf(farm, forArm), ["workers-busy", "the only matching bot is busy"]);
  assert.equal(await scheduler.census.standing({ instance: "other", id: forArm.id }), undefined);
});

test("bots of another instance do not count", async (t) => {
  const farm = await startFarm(t);
  await farm.scheduler.openSession("other", bot("stranger"));
  const operation = await farm.scheduler.submit("main", job("a"));
  assert.deepEqual(await waitOf(farm, operation), ["no-matching-worker", "no bot serves main"]);
  assert.deepEqual(await farm.scheduler.census.workers(["main"], { after: "", limit: 10 }), []);
});

test("the queue is told platform by platform", async (t) => {
  const farm = await startFarm(t);
  const { scheduler, clock } = farm;
  const queuedAt = clock.now();
  await scheduler.submit("main", job("a"));
  await clock.advance(100);
  await scheduler.submit("main", job("b"));
  await scheduler.submit("main", job("c"));
  await scheduler.submit("main", job("d", { platform: arm }));
  await scheduler.submit("other", job("e"));
  await scheduler.openSession("main", bot("one", { capacity: 2 }));
  await scheduler.openSession("main", bot("sick", { status: BotStatus.UNHEALTHY }));
  const linux = [{ name: "OSFamily", value: "linux" }];
  assert.deepEqual(await scheduler.census.queue(["main"]), [
    {
      ...{ instance: "main", properties: linux, queued: 1, executing: 2, oldestQueuedAt: queuedAt + 100 },
      bots: { idle: 0, busy: 1, unavailable: 1 },
    },
    {
      ...{ instance: "main", properties: arm, queued: 1, executing: 0, oldestQueuedAt: queuedAt + 100 },
      bots: { idle: 0, busy: 0, unavailable: 0 },
    },
  ]);
});

test("a worker shows the jobs of the instance that asks, and counts the others", async (t) => {
  const farm = await startFarm(t);
  const { scheduler } = farm;
  const mine = await scheduler.submit("main", job("a"));
  const twin = await scheduler.submit("main", job("a"));
  await scheduler.submit("other", job("b"));
  await scheduler.openSession("*", bot("both", { capacity: 2 }));
  await scheduler.openSession("main", bot("Idle-Bot"));
  const workers = await scheduler.census.workers(["main"], { after: "", limit: 10 });
  assert.deepEqual(
    workers.map(({ session, leases, otherLeases }) => [
      session.botId,
      leases.flatMap((l) => l.operations),
      otherLeases,
    ]),
    [
      ["both", [mine.id, twin.id], 1],
      ["Idle-Bot", [], 0],
    ],
  );
  const [first] = await scheduler.census.workers(["main"], { after: "", limit: 1 });
  const rest = await scheduler.census.workers(["main"], { after: first?.session.name ?? "", limit: 9 });
  assert.deepEqual(
    rest.map(({ session }) => session.botId),
    ["Idle-Bot"],
  );
  const found = await scheduler.census.findWorkers("main", { text: "idle", skip: 0, limit: 5 });
  assert.deepEqual([found.total, found.workers[0]?.session.botId], [1, "Idle-Bot"]);
});

test("cancelling many cancels what is live and matches, in batches, once", async (t) => {
  const farm = await startFarm(t);
  const { scheduler } = farm;
  const submitted = await Promise.all(
    Array.from({ length: 620 }, (_, i) => scheduler.submit("main", job(`job ${i}`, { priority: i < 20 ? 7 : 0 }))),
  );
  await scheduler.submit("other", job("elsewhere"));
  const wish = {
    instance: "main",
    filter: { kind: "compare", key: "stage", op: "=", value: 2 },
    cause: { by: "client", identity: undefined, reason: "enough" },
    dryRun: true,
    signal: new AbortController().signal,
  } as const;
  await scheduler.cancel(submitted[0] ?? assert.fail());
  assert.deepEqual(await scheduler.cancelMany(wish), { matched: 619, cancelled: 0 });
  await assert.rejects(scheduler.cancelMany({ ...wish, signal: AbortSignal.abort() }));
  assert.deepEqual(await scheduler.cancelMany({ ...wish, dryRun: false }), { matched: 619, cancelled: 619 });
  assert.deepEqual(await scheduler.cancelMany({ ...wish, dryRun: false }), { matched: 0, cancelled: 0 });
  assert.equal((await farm.store.liveOperations()).length, 1);
});
