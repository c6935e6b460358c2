import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { ExecuteResponseSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { BadRequestSchema, ErrorInfoSchema, ResourceInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { FarmService } from "../../gen/opgrid/v1/opgrid_pb.ts";
import { loadConfig } from "../../src/config/config.ts";
import { fakeClock } from "../helpers/fake-clock.ts";
import { until } from "../helpers/until.ts";
import { type Bot, openBot } from "./bot.ts";
import { type Grid, refusal, responseOf, startGrid, type Watched, watched } from "./grid.ts";

// What opgrid decided where BuildGrid, the model, left a choice or chose otherwise: one test for each decision.

const missing = "main/01900000-0000-7000-8000-000000000000";
const HOUR_MS = 60 * 60 * 1000;

async function submit(grid: Grid, instanceName = "main"): Promise<Watched> {
  return grid.execute({ instanceName, actionDigest: await grid.action({ instanceName }) });
}

async function run(grid: Grid, bot: Bot, end: Parameters<Bot["complete"]>[1] = {}): Promise<Watched> {
  const operation = await submit(grid);
  await bot.complete((await bot.lease()).id, end);
  await operation.ended;
  return operation;
}

async function cancelled(grid: Grid, operation?: Watched): Promise<Watched> {
  const live = operation ?? (await submit(grid));
  await grid.operations.cancelOperation({ name: live.name });
  return live;
}

async function page(grid: Grid, filter: string, pageSize = 0, pageToken = "") {
  const { operations, nextPageToken } = await grid.operations.listOperations({
    ...{ name: "main", filter, pageSize, pageToken },
  });
  return { names: operations.map(({ name }) => name), nextPageToken };
}

async function allPages(grid: Grid, filter: string, between: (number: number) => Promise<void> = async () => {}) {
  const names: string[] = [];
  for (let [number, token] = [1, ""]; ; number++) {
    const { names: found, nextPageToken } = await page(grid, filter, 1, token);
    names.push(...found);
    if (nextPageToken === "") return names;
    await between(number);
    token = nextPageToken;
  }
}

async function assertField(call: Promise<unknown>, field: string): Promise<void> {
  const error = await refusal(call, Code.InvalidArgument);
  assert.equal(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field, field);
}

async function assertNotFound(call: Promise<unknown>, name: string): Promise<void> {
  const error = await refusal(call, Code.NotFound);
  assert.equal(error.findDetails(ResourceInfoSchema)[0]?.resourceName, name);
}

async function errorOf(grid: Grid, name: string) {
  const { done, result } = await grid.operations.getOperation({ name });
  assert.ok(done && result.case === "error");
  const [detail] = result.value.details;
  return { code: result.value.code, response: detail && anyUnpack(detail, ExecuteResponseSchema) };
}

test("names are <instance>/<UUIDv7>, which sort by creation; the empty instance's are <uuid>, also with a slash before", async (t) => {
  const grid = await startGrid(t, { instances: '["", "a/b"]' });
  const [first, second] = [await submit(grid, "a/b"), await submit(grid, "a/b")];
  for (const { name } of [first, second])
    assert.match(name, /^a\/b\/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f-]{17}$/);
  assert.ok(first.name < second.name);
  const { name: bare } = await submit(grid, "");
  const listed = await grid.operations.listOperations({ name: "" });
  assert.deepEqual([listed.operations.map(({ name }) => name), bare.includes("/")], [[bare], false]);
  for (const name of [bare, `/${bare}`]) assert.equal((await grid.operations.getOperation({ name })).name, name);
});

test("an unknown instance is INVALID_ARGUMENT with an ErrorInfo", async (t) => {
  const { operations } = await startGrid(t);
  for (const call of [operations.listOperations({ name: "x" }), operations.getOperation({ name: `x/${missing}` })]) {
    const error = await refusal(call, Code.InvalidArgument);
    assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "INSTANCE_UNKNOWN");
  }
});

test("getting, waiting for and deleting a missing name is NOT_FOUND with a ResourceInfo", async (t) => {
  const { operations } = await startGrid(t);
  await assertNotFound(operations.getOperation({ name: missing }), missing);
  await assertNotFound(operations.waitOperation({ name: missing }), missing);
  await assertNotFound(operations.deleteOperation({ name: missing }), missing);
});

test("cancelling a missing name is INVALID_ARGUMENT with the reason OPERATION_NOT_FOUND", async (t) => {
  const { operations } = await startGrid(t);
  const error = await refusal(operations.cancelOperation({ name: missing }), Code.InvalidArgument);
  assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "OPERATION_NOT_FOUND");
});

test("cancelling a done or a cancelled operation is OK and changes nothing", async (t) => {
  const grid = await startGrid(t);
  for (const { name } of [await run(grid, await openBot(grid.bots)), await cancelled(grid)]) {
    const before = await grid.operations.getOperation({ name });
    await grid.operations.cancelOperation({ name });
    assert.deepEqual(await grid.operations.getOperation({ name }), before);
  }
});

test("DeleteOperation forgets the operation and cancels nothing; of a running one only this handle goes", async (t) => {
  const grid = await startGrid(t);
  const bot = await openBot(grid.bots);
  const actionDigest = await grid.action();
  const execute = () => grid.execute({ instanceName: "main", actionDigest });
  const [deleted, kept] = [await execute(), await execute()];
  const { id } = await bot.lease();
  await grid.operations.deleteOperation({ name: deleted.name });
  await assertNotFound(grid.operations.getOperation({ name: deleted.name }), deleted.name);
  await bot.complete(id, { exitCode: 4 });
  assert.equal(responseOf(await kept.ended).result?.exitCode, 4);
  await grid.operations.deleteOperation({ name: kept.name });
  await assertNotFound(grid.operations.getOperation({ name: kept.name }), kept.name);
});

test("WaitOperation returns the latest state at completion or at its timeout, whichever is first", async (t) => {
  const grid = await startGrid(t);
  const { name } = await submit(grid);
  const timedOut = await grid.operations.waitOperation({ name, timeout: { seconds: 0n, nanos: 50_000_000 } });
  assert.deepEqual([timedOut.name, timedOut.done], [name, false]);
  const wait = grid.operations.waitOperation({ name, timeout: { seconds: 60n } });
  const bot = await openBot(grid.bots);
  await bot.complete((await bot.lease()).id, { exitCode: 5 });
  assert.equal(responseOf(await wait).result?.exitCode, 5);
});

test("a list without a filter shows what has not ended, unless the instance has another default", async (t) => {
  const grid = await startGrid(t, { instances: '[main, {name: all, operations: {default_filter: ""}}]' });
  for (const [instance, expected] of [
    ["main", 1],
    ["all", 2],
  ] as const) {
    await cancelled(grid, await submit(grid, instance));
    await submit(grid, instance);
    assert.equal((await grid.operations.listOperations({ name: instance })).operations.length, expected);
  }
});

test("the filter language has all of BuildGrid's, and AND, OR, NOT, parentheses, quotes, : and more keys", async (t) => {
  const grid = await startGrid(t);
  const submitted = async (argv: string[]) => {
    const actionDigest = await grid.action({ argv });
    return (await grid.execute({ instanceName: "main", actionDigest })).name;
  };
  const [cc, ld] = [await submitted(["cc", "-o", "x y"]), await submitted(["ld", "x"])];
  const ended = (await cancelled(grid)).name;
  for (const [filter, expected] of [
    ["stage>=queued & stage<completed & command=cc", [cc]],
    ["sort_order=name(desc)", [ended, ld, cc]],
    ["command != cc & stage = QUEUED & queued_time >= 2020-01-01T00:00:00+01:00", [ld]],
    ["command = cc OR command = ld", [cc, ld]],
    ["NOT (command:cc OR done = false)", [ended]],
    ['command:"x y" AND -cancelled = true', [cc]],
    ["error.code = CANCELLED AND attempts = 0", [ended]],
  ] as const) {
    assert.deepEqual((await page(grid, filter)).names, expected, filter);
  }
});

test("a page size above the maximum is coerced to it, and a negative one is INVALID_ARGUMENT", async (t) => {
  const grid = await startGrid(t, { "operations-max-page-size": "2" });
  for (let i = 0; i < 3; i++) await submit(grid);
  for (const size of [0, 3, 2 ** 31 - 1]) assert.equal((await page(grid, "", size)).names.length, 2);
  await assertField(page(grid, "", -1), "page_size");
});

test("a page token is opaque and of one filter and order, else INVALID_ARGUMENT; pages miss and repeat nothing while rows come and go, nulls included", async (t) => {
  const grid = await startGrid(t);
  const names = [await cancelled(grid), await submit(grid), await submit(grid), await cancelled(grid)].map(
    ({ name }) => name,
  );
  const filter = "sort_order = completed_time";
  const { nextPageToken: token } = await page(grid, filter, 1);
  await assertField(page(grid, "sort_order = completed_time(desc)", 1, token), "page_token");
  await assertField(page(grid, `done & ${filter}`, 1, token), "page_token");
  await assertField(page(grid, filter, 1, "main|2020-01-01"), "page_token");

  const passing = [await submit(grid), await cancelled(grid)];
  const found = await allPages(grid, filter, async (number) => {
    const leaving = passing.pop();
    if (leaving) await grid.operations.deleteOperation({ name: leaving.name });
    if (number < 4) await cancelled(grid);
  });
  // Live ones have no completed_time and come first.
  const [first, second, third, fourth] = names;
  assert.deepEqual(
    found.filter((name) => names.includes(name)),
    [second, third, first, fourth],
  );
  assert.equal(new Set(found).size, found.length);
});

test("every sortable key pages, in both directions", async (t) => {
  const grid = await startGrid(t);
  const bot = await openBot(grid.bots);
  const all = [await run(grid, bot), await cancelled(grid), await submit(grid)].map(({ name }) => name);
  const { filters } = await grid.client(FarmService).getOperationFilters({ instanceName: "main" });
  const keys = filters.filter(({ sortable }) => sortable).map(({ key }) => key);
  assert.ok(keys.length > 7);
  for (const key of keys) {
    for (const direction of ["asc", "desc"]) {
      const filter = `sort_order = ${key}(${direction})`;
      const found = await allPages(grid, filter);
      assert.deepEqual(found, (await page(grid, filter)).names, filter);
      assert.deepEqual(found.toSorted(), all.toSorted(), filter);
    }
  }
});

test("the Operations service shows a cancelled operation as error 1, for one of many waiters and for the whole job", async (t) => {
  const grid = await startGrid(t);
  const actionDigest = await grid.action();
  const execute = () => grid.execute({ instanceName: "main", actionDigest });
  const waiters = [await execute(), await execute()];
  for (const waiter of waiters) {
    await cancelled(grid, waiter);
    assert.equal((await errorOf(grid, waiter.name)).code, Code.Canceled);
  }
});

test("the Operations service shows a failed operation as the job's status, with the ExecuteResponse in its details", async (t) => {
  const grid = await startGrid(t);
  const status = { code: Code.FailedPrecondition, message: "an input is gone" };
  const { name } = await run(grid, await openBot(grid.bots), { status });
  const { code, response } = await errorOf(grid, name);
  assert.deepEqual([code, response?.status?.code], [Code.FailedPrecondition, Code.FailedPrecondition]);
});

test("Execute and WaitExecution end with a response, never an error, with the status inside", async (t) => {
  const grid = await startGrid(t);
  const status = { code: Code.FailedPrecondition, message: "an input is gone" };
  const failed = await run(grid, await openBot(grid.bots), { status });
  for (const [{ name, ended }, code] of [
    [failed, status.code],
    [await cancelled(grid), Code.Canceled],
  ] as const) {
    const again = await watched(grid.execution.waitExecution({ name }));
    for (const last of [await ended, await again.ended]) assert.equal(responseOf(last).status?.code, code);
  }
});

test("a terminal state never changes, also when the job ends otherwise for others", async (t) => {
  const grid = await startGrid(t);
  const bot = await openBot(grid.bots);
  const actionDigest = await grid.action();
  const execute = () => grid.execute({ instanceName: "main", actionDigest });
  const [early, late] = [await execute(), await execute()];
  const { id } = await bot.lease();
  await cancelled(grid, early);
  const before = await grid.operations.getOperation({ name: early.name });
  await bot.complete(id);
  assert.equal(responseOf(await late.ended).result?.exitCode, 0);
  assert.deepEqual(await grid.operations.getOperation({ name: early.name }), before);
});

test("a silent stream is sent its state again after a time that is a setting, 60 s at most", async (t) => {
  const grid = await startGrid(t, { "execution-keep-alive": "100ms" });
  const { messages } = await submit(grid);
  await until(() => messages.length >= 3, "the state to be repeated");
  assert.deepEqual(messages[2], messages[0]);
  assert.ok(loadConfig({ flags: { "execution-keep-alive": "60s" } }));
  assert.throws(() => loadConfig({ flags: { "execution-keep-alive": "61s" } }), /execution.keep_alive/);
});

test("orphaned work is cancelled after a grace period, but by default not what somebody polls", async (t) => {
  const grid = await startGrid(t, { "execution-orphan-grace": "300ms" });
  const [polled, abandoned] = [await submit(grid), await submit(grid)];
  // The polled one is dropped first: when the other has been cancelled, it would have been too.
  for (const { drop, ended } of [polled, abandoned]) {
    drop();
    await refusal(ended, Code.Canceled);
  }
  const live = async () => (await page(grid, "")).names;
  await until(async () => {
    await grid.operations.getOperation({ name: polled.name });
    return !(await live()).includes(abandoned.name);
  }, "the orphan to be cancelled");
  assert.deepEqual(await live(), [polled.name]);
});

test("completed operations are kept for a time that is a setting, 30 days unless set, 0 for ever", async (t) => {
  assert.equal(loadConfig().instances[0]?.operations.retentionMs, 30 * 24 * HOUR_MS);
  const instances = "[{name: hour, operations: {retention: 1h}}, {name: ever, operations: {retention: 0}}]";
  const clock = fakeClock();
  const grid = await startGrid(t, { instances }, { clock });
  const [hour, ever] = [await submit(grid, "hour"), await submit(grid, "ever")];
  for (const operation of [hour, ever]) await cancelled(grid, operation);
  const kept = async () => {
    const lists = ["hour", "ever"].map((name) => grid.operations.listOperations({ name, filter: "done" }));
    return (await Promise.all(lists)).flatMap(({ operations }) => operations.map(({ name }) => name));
  };
  await clock.advance(HOUR_MS - 1000);
  assert.deepEqual(await kept(), [hour.name, ever.name]);
  await until(async () => {
    await clock.advance(60_000);
    return !(await kept()).includes(hour.name);
  }, "the operation to be forgotten");
  assert.deepEqual(await kept(), [ever.name]);
});

test("the response of a completed job is stored with it: lists show it when its blobs are gone from the CAS", async (t) => {
  const grid = await startGrid(t);
  const { name } = await run(grid, await openBot(grid.bots), { exitCode: 6 });
  await rm(join(grid.dataDir, "instances", "main", "cas", "blobs"), { recursive: true });
  const { operations } = await grid.operations.listOperations({ name: "main", filter: "done" });
  assert.deepEqual(
    operations.map((each) => [each.name, responseOf(each).result?.exitCode]),
    [[name, 6]],
  );
});
