import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { durationFromMs, durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { JobEventType as BuildGridEvent, Introspection } from "../../gen/build/buildgrid/introspection_pb.ts";
import { BotStatus, LeaseState } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import { BadRequestSchema, ErrorInfoSchema, ResourceInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { FarmService, JobEventType, WaitReason, type Worker } from "../../gen/opgrid/v1/opgrid_pb.ts";
import { openBot } from "./bot.ts";
import { type Grid, refusal, startGrid, temporaryDirectory } from "./grid.ts";

const linux = [{ key: "OSFamily", value: "linux" }];
const who = { "x-request-actor": "ci", "x-request-subject": "alice", "x-request-workflow": "nightly" };

async function startFarm(t: TestContext, flags: Record<string, string> = {}) {
  const grid = await startGrid(t, flags);
  return { ...grid, farm: grid.client(FarmService), introspection: grid.client(Introspection) };
}

async function submit(grid: Grid, platform?: { name: string; value: string }[]) {
  const actionDigest = await grid.action(platform && { action: { platform: { properties: platform } } });
  return grid.execute({ instanceName: "main", actionDigest });
}

test("an operator sees workers, queue and why an operation waits", async (t) => {
  const grid = await startFarm(t);
  const bot = await openBot(grid.bots, { botId: "one", properties: linux, capacity: "1" });
  const running = await submit(grid, [{ name: "OSFamily", value: "linux" }]);
  await bot.lease();
  const waiting = await submit(grid, [{ name: "ISA", value: "arm64" }]);

  const { workers, nextPageToken } = await grid.farm.listWorkers({ instanceName: "main" });
  assert.equal(nextPageToken, "");
  const [worker] = workers;
  assert.ok(worker);
  assert.deepEqual(
    [worker.botId, worker.sessionName, worker.instanceName, worker.status, worker.capacity, worker.otherLeaseCount],
    ["one", bot.session.name, "main", BotStatus.OK, 1, 0],
  );
  assert.deepEqual(
    worker.leases.map(({ operationNames }) => operationNames),
    [[running.name]],
  );
  assert.ok(worker.expireTime && worker.updateTime);
  assert.ok(timestampMs(worker.expireTime) > timestampMs(worker.updateTime));

  const { platforms, platformCount } = await grid.farm.getQueue({ instanceName: "main" });
  assert.equal(platformCount, 2);
  assert.deepEqual(
    platforms.map((each) => [each.properties[0]?.value, each.queuedCount, each.executingCount, each.served]),
    [
      ["arm64", 1n, 0n, false],
      ["linux", 0n, 1n, true],
    ],
  );
  assert.ok(platforms[0]?.oldestQueueTime && platforms[0].oldestWait);
  assert.equal(platforms[1]?.busyWorkerCount, 1);
  assert.equal(platforms[1]?.oldestQueueTime, undefined);

  const stats = await grid.farm.getOperationStats({ name: waiting.name });
  assert.deepEqual(
    [stats.queuePosition, stats.queuePositionText, stats.waitReason, stats.waitText, stats.attemptCount],
    [0, "about 0", WaitReason.NO_MATCHING_WORKER, "no bot offers ISA=arm64", 0],
  );
  assert.ok(stats.queueDuration && durationMs(stats.queueDuration) >= 0);
  const statsOfRunning = await grid.farm.getOperationStats({ name: running.name });
  assert.deepEqual(
    [statsOfRunning.queuePosition, statsOfRunning.waitReason, statsOfRunning.botId, statsOfRunning.attemptCount],
    [undefined, WaitReason.UNSPECIFIED, "one", 1],
  );
});

test("figures tell how much was done, how fast and how well, minute by minute", async (t) => {
  const grid = await startFarm(t);
  const bot = await openBot(grid.bots, { botId: "one" });
  const actionDigest = await grid.action();
  const first = await grid.execute({ instanceName: "main", actionDigest });
  const merged = await grid.execute({ instanceName: "main", actionDigest });
  await bot.complete((await bot.lease()).id);
  await Promise.all([first.ended, merged.ended]);
  await (await grid.execute({ instanceName: "main", actionDigest })).ended;
  const failing = await submit(grid);
  await bot.complete((await bot.lease()).id, { exitCode: 1 });
  await failing.ended;
  await grid.operations.cancelOperation({ name: (await submit(grid)).name });

  for (const instanceName of ["main", "-"]) {
    const { step, steps, total } = await grid.farm.getFigures({ instanceName });
    assert.deepEqual([step && durationMs(step), steps.length], [60_000, 60]);
    assert.ok(total?.queueDuration?.p95 && total.executionDuration?.p50);
    assert.deepEqual(
      [total.submittedCount, total.cachedCount, total.mergedCount, total.succeededCount, total.failedCount],
      [5n, 1n, 1n, 1n, 1n],
    );
    assert.deepEqual([total.cancelledCount, total.retriedCount], [1n, 0n]);
    assert.deepEqual([total.queueDuration.count, total.executionDuration.count], [2n, 2n]);
    const counted = steps.reduce((sum, { submittedCount }) => sum + submittedCount, 0n);
    assert.equal(counted, 5n);
    const idle = steps[0];
    assert.deepEqual([idle?.submittedCount, idle?.queueDuration?.count, idle?.queueDuration?.p50], [0n, 0n, undefined]);
    assert.equal(idle?.queuedCount, undefined);
    const starts = steps.map(({ startTime }) => (startTime ? timestampMs(startTime) : Number.NaN));
    assert.deepEqual(
      starts,
      starts.map((_, i) => (starts[0] ?? Number.NaN) + i * 60_000),
    );
    assert.equal(total.startTime && timestampMs(total.startTime), starts[0]);
  }
  const day = await grid.farm.getFigures({ instanceName: "main", window: durationFromMs(86_400_000) });
  assert.deepEqual([day.step && durationMs(day.step), day.steps.length], [24 * 60_000, 60]);
  assert.equal(day.total?.submittedCount, 5n);
  const moment = await grid.farm.getFigures({ instanceName: "main", window: { seconds: 0n, nanos: 1 } });
  assert.deepEqual([moment.step && durationMs(moment.step), moment.steps.length], [60_000, 1]);
});

test("figures outlive a restart of the server", async (t) => {
  const dataDir = await temporaryDirectory(t);
  const first = await startGrid(t, { "data-dir": dataDir });
  await submit(first);
  await first.app.close();
  const grid = await startGrid(t, { "data-dir": dataDir });
  const { total } = await grid.client(FarmService).getFigures({ instanceName: "main" });
  assert.equal(total?.submittedCount, 1n);
});

test("figures of all instances are those of the instances that serve them", async (t) => {
  const all = '[{"name":"main"},{"name":"second"},{"name":"closed","services":["cas","execution"]}]';
  const grid = await startGrid(t, { instances: all });
  for (const instanceName of ["main", "second", "second", "closed"]) {
    await grid.execute({ instanceName, actionDigest: await grid.action({ instanceName }) });
  }
  const farm = grid.client(FarmService);
  const submitted = async (instanceName: string) => (await farm.getFigures({ instanceName })).total?.submittedCount;
  assert.deepEqual([await submitted("main"), await submitted("second"), await submitted("-")], [1n, 2n, 3n]);
});

test("workers come page by page", async (t) => {
  const grid = await startFarm(t);
  for (const botId of ["a", "b", "c"]) await openBot(grid.bots, { botId });
  const seen: string[] = [];
  let pageToken = "";
  do {
    const page = await grid.farm.listWorkers({ instanceName: "main", pageSize: 2, pageToken });
    assert.ok(page.workers.length <= 2);
    seen.push(...page.workers.map(({ botId }) => botId));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  assert.deepEqual(seen.sort(), ["a", "b", "c"]);
});

const SEVERAL = '["main", "", {name: shut, services: [cas, execution, bots]}]';

async function submitTo(grid: Grid, instanceName: string) {
  return grid.execute({ instanceName, actionDigest: await grid.action({ instanceName }) });
}

describe("the instances of a server", () => {
  test("are listed by name, with their services", async (t) => {
    const { farm } = await startFarm(t, { instances: SEVERAL });
    const { instances } = await farm.listInstances({});
    const all = ["operations", "execution", "cas", "action_cache", "bytestream", "capabilities", "bots", "farm"];
    assert.deepEqual(
      instances.map(({ name, services }) => [name, services]),
      [
        ["", all],
        ["main", all],
        ["shut", ["execution", "cas", "bots"]],
      ],
    );
  });

  test("have the services that their process offers", async (t) => {
    const { farm } = await startFarm(t, { services: "operations,farm" });
    assert.deepEqual((await farm.listInstances({})).instances[0]?.services, ["operations", "farm"]);
  });

  test("are not told where none serves this", async (t) => {
    const { farm } = await startFarm(t, { instances: '[{"name":"main","services":["operations"]}]' });
    const error = await refusal(farm.listInstances({}), Code.Unimplemented);
    assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "SERVICE_NOT_ENABLED");
  });
});

test("the workers of - are those of all instances that serve this, each once, with the jobs of all these", async (t) => {
  const grid = await startFarm(t, { instances: SEVERAL });
  const everywhere = await openBot(grid.bots, { parent: "*", botId: "everywhere", capacity: "3" });
  await openBot(grid.bots, { parent: "shut", botId: "of-shut" });
  const names: string[] = [];
  for (const instance of ["main", "", "shut"]) names.push((await submitTo(grid, instance)).name);
  while (everywhere.session.leases.length < 3)
    await everywhere.update(everywhere.session.leases.map(({ id }) => ({ id, state: LeaseState.ACTIVE })));
  for (const parent of ["main", ""]) await openBot(grid.bots, { parent, botId: `of-${parent}` });

  const pages: Worker[][] = [];
  let pageToken = "";
  do {
    const page = await grid.farm.listWorkers({ instanceName: "-", pageSize: 2, pageToken });
    pages.push(page.workers);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  assert.deepEqual(
    pages.map((page) => page.map(({ botId, instanceName }) => [botId, instanceName])),
    [
      [
        ["everywhere", "*"],
        ["of-", ""],
      ],
      [["of-main", "main"]],
    ],
  );
  const [worker] = pages[0] ?? [];
  assert.deepEqual(worker?.leases.flatMap(({ operationNames }) => operationNames).sort(), names.slice(0, 2).sort());
  assert.equal(worker?.otherLeaseCount, 1);
  const [seenByMain] = (await grid.farm.listWorkers({ instanceName: "main" })).workers;
  assert.deepEqual([seenByMain?.leases.length, seenByMain?.otherLeaseCount], [1, 2]);
});

test("the queue of - has the platforms of each instance that serves this", async (t) => {
  const grid = await startFarm(t, { instances: SEVERAL });
  await openBot(grid.bots, { botId: "sick", status: BotStatus.UNHEALTHY });
  for (const instance of ["main", "", "shut", ""]) await submitTo(grid, instance);
  const { platforms, platformCount } = await grid.farm.getQueue({ instanceName: "-" });
  assert.equal(platformCount, 2);
  assert.deepEqual(
    platforms.map((each) => [each.instanceName, each.queuedCount, each.unavailableWorkerCount, each.served]),
    [
      ["", 2n, 0, false],
      ["main", 1n, 1, false],
    ],
  );
  assert.deepEqual(
    (await grid.farm.getQueue({ instanceName: "main" })).platforms.map(({ instanceName }) => instanceName),
    ["main"],
  );
});

test("an operation knows who else wants its job", async (t) => {
  const grid = await startFarm(t);
  const actionDigest = await grid.action();
  const wish = { instanceName: "main", actionDigest };
  const [first, second] = [await grid.execute(wish, who), await grid.execute(wish)];
  const stats = () => grid.farm.getOperationStats({ name: second.name });
  const { jobOperations, liveOperationCount } = await stats();
  assert.deepEqual(
    jobOperations.map(({ name, stage, clientIdentity }) => [name, stage, clientIdentity?.subject]),
    [
      [first.name, 2, "alice"],
      [second.name, 2, undefined],
    ],
  );
  assert.equal(liveOperationCount, 2);
  await grid.operations.cancelOperation({ name: first.name });
  const after = await stats();
  assert.deepEqual([after.jobOperations.map(({ stage }) => stage), after.liveOperationCount], [[4, 2], 1]);
  await submit(grid);
  assert.equal((await stats()).jobOperations.length, 2);
});

test("a history tells who cancelled what, and why", async (t) => {
  const grid = await startFarm(t);
  const cancelled = await submit(grid);
  await grid.operations.cancelOperation({ name: cancelled.name }, { headers: who });
  const killed = await submit(grid);
  assert.deepEqual(
    (await grid.farm.killJob({ name: killed.name, reason: "runs wild" }, { headers: who })).killed,
    true,
  );
  assert.deepEqual((await grid.farm.killJob({ name: killed.name })).killed, false);
  assert.equal((await killed.ended).done, true);

  const { events, actionDigest } = await grid.farm.getOperationHistory({ name: cancelled.name });
  assert.ok(actionDigest);
  assert.deepEqual(
    events.map(({ type }) => type),
    [JobEventType.CREATION, JobEventType.NEW_OPERATION, JobEventType.OPERATION_CANCELLATION, JobEventType.CANCELLATION],
  );
  assert.deepEqual(events[1]?.payload, { operation_name: cancelled.name, total_operation_count: 1 });
  const decision = { actor: "ci", subject: "alice", workflow: "nightly" };
  assert.deepEqual(events[2]?.payload, {
    ...{ worker_name: null, operation_name: cancelled.name, total_operation_count: 1, cancelled_operation_count: 1 },
    ...{ ...decision, reason: "cancelled by a client" },
  });
  const { history } = await grid.introspection.getJobHistory({ instanceName: "main", operationName: killed.id });
  assert.equal(history[0]?.payload, "null");
  assert.equal(history.at(-1)?.eventType, BuildGridEvent.CANCELLATION);
  assert.deepEqual(JSON.parse(history.at(-1)?.payload ?? ""), { worker_name: null, ...decision, reason: "runs wild" });
});

test("a filter cancels many, after a dry run that counts them", async (t) => {
  const grid = await startFarm(t);
  const operations = [await submit(grid), await submit(grid), await submit(grid)];
  const request = { instanceName: "main", filter: "stage=QUEUED", reason: "enough" };
  assert.deepEqual((await grid.farm.cancelOperations({ ...request, dryRun: true })).matchedCount, 3n);
  const { matchedCount, cancelledCount } = await grid.farm.cancelOperations(request);
  assert.deepEqual([matchedCount, cancelledCount], [3n, 3n]);
  for (const operation of operations) await operation.ended;
  const { events } = await grid.farm.getOperationHistory({ name: operations[0]?.name ?? "" });
  assert.deepEqual(events.at(-1)?.payload, { worker_name: null, actor: "client", reason: "enough" });
});

test("the filter keys are those of the parser", async (t) => {
  const grid = await startFarm(t);
  const { filters } = await grid.farm.getOperationFilters({ instanceName: "main" });
  assert.deepEqual((await grid.farm.getOperationFilters({ instanceName: "-" })).filters, filters);
  const stage = filters.find(({ key }) => key === "stage");
  assert.ok(stage?.values.includes("EXECUTING") && stage.operators.includes(">=") && stage.sortable);
  const { filters: known } = await grid.introspection.getOperationFilters({ instanceName: "main" });
  assert.deepEqual(known.at(-1)?.comparators, ["="]);
  assert.equal(known.find(({ key }) => key === "queued_time")?.type, "datetime");
  assert.deepEqual(
    known.map(({ key }) => key),
    [...filters.map(({ key }) => key), "sort_order"],
  );
});

test("BuildGrid's clients see workers and positions in their form", async (t) => {
  const grid = await startFarm(t);
  const bot = await openBot(grid.bots, { botId: "Number-One" });
  const running = await submit(grid);
  await bot.lease();
  const queued = [await submit(grid), await submit(grid)];
  const { workers, ...rest } = await grid.introspection.listWorkers({ instanceName: "main", workerName: "number" });
  assert.deepEqual([rest.total, rest.page, rest.pageSize], [1, 1, 100]);
  assert.equal(workers[0]?.operations[0]?.operationName, running.name);
  assert.deepEqual(workers[0]?.actionDigest, workers[0]?.operations[0]?.actionDigest);
  assert.equal((await grid.introspection.listWorkers({ instanceName: "main", workerName: "x" })).total, 0);
  const position = async (operationName = "") =>
    (await grid.introspection.getOperationStats({ instanceName: "main", operationName })).queuePosition;
  assert.deepEqual(
    [await position(running.name), await position(queued[0]?.id), await position(queued[1]?.name)],
    ["~0", "~0", "~1"],
  );
});

describe("what cannot be", () => {
  test("is refused with its field", async (t) => {
    const { farm, introspection } = await startFarm(t);
    const main = { instanceName: "main" };
    const cases: [() => Promise<unknown>, string][] = [
      [() => farm.listWorkers({ ...main, pageSize: -1 }), "page_size"],
      [() => farm.listWorkers({ ...main, pageToken: "?" }), "page_token"],
      [() => farm.cancelOperations(main), "filter"],
      [() => farm.cancelOperations({ ...main, filter: "sort_order=name" }), "filter"],
      [() => farm.cancelOperations({ ...main, filter: "stage=QUEUED & sort_order=name" }), "filter"],
      [() => farm.cancelOperations({ ...main, filter: "stag=QUEUED", dryRun: true }), "filter"],
      ...[
        ...[durationFromMs(0), durationFromMs(-1000), durationFromMs(86_400_001), { seconds: 86_400n, nanos: 1 }],
        ...[{ seconds: 2n ** 63n - 1n }, { seconds: -(2n ** 63n) }],
      ].map((window) => [() => farm.getFigures({ ...main, window }), "window"] as [() => Promise<unknown>, string]),
      [() => farm.getFigures({ instanceName: "-", window: durationFromMs(0) }), "window"],
      [() => farm.getOperationStats({ name: "main/" }), "name"],
      [() => introspection.listWorkers({ ...main, page: -1 }), "page"],
      [() => introspection.getJobHistory({ ...main, operationName: "other/id" }), "operation_name"],
    ];
    for (const [call, field] of cases) {
      const error = await refusal(call(), Code.InvalidArgument);
      assert.equal(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field, field, error.message);
    }
  });

  test("is not found", async (t) => {
    const { farm, introspection } = await startFarm(t);
    const name = "main/0198c0de-0000-7000-8000-000000000000";
    for (const call of [
      () => farm.getOperationStats({ name }),
      () => farm.getOperationHistory({ name }),
      () => farm.killJob({ name }),
      () => introspection.getOperationStats({ instanceName: "main", operationName: name }),
    ]) {
      const error = await refusal(call(), Code.NotFound);
      assert.equal(error.findDetails(ResourceInfoSchema)[0]?.resourceName, name);
    }
    for (const call of [
      () => farm.killJob({ name: "-/x" }),
      () => farm.cancelOperations({ instanceName: "-", filter: "stage=QUEUED" }),
    ]) {
      const refused = await refusal(call(), Code.InvalidArgument);
      assert.equal(refused.findDetails(ErrorInfoSchema)[0]?.reason, "INSTANCE_UNKNOWN");
    }
    const unknown = await refusal(farm.getQueue({ instanceName: "nowhere" }), Code.InvalidArgument);
    assert.equal(unknown.findDetails(ErrorInfoSchema)[0]?.reason, "INSTANCE_UNKNOWN");
  });
});

test("an instance without the farm service serves none of it", async (t) => {
  const grid = await startGrid(t, { instances: '[{"name":"main","services":["operations"]}]' });
  for (const call of [
    () => grid.client(FarmService).getQueue({ instanceName: "main" }),
    () => grid.client(Introspection).listWorkers({ instanceName: "main" }),
  ]) {
    const error = await refusal(call(), Code.Unimplemented);
    assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "SERVICE_NOT_ENABLED");
  }
});
