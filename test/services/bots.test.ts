import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack, anyUnpack, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, createClient } from "@connectrpc/connect";
import {
  ActionResultSchema,
  ActionSchema,
  DigestSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import {
  type BotSessionSchema,
  BotStatus,
  Bots,
  LeaseState,
} from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { transports } from "../helpers/start-server.ts";
import { until } from "../helpers/until.ts";
import { describeBot, type LeaseWish, openBot } from "./bot.ts";
import { metadataOf, refusal, removeBlob, responseOf, startGrid } from "./grid.ts";

const instanceName = "main";
/** What the log says of bots that lose jobs, break the protocol, and of a blob that a test took away. */
const expected = /^(attempt failed|call failed|the file of a blob is missing.*)$/;
const missing = "01900000-0000-7000-8000-000000000000";

function packed(result: MessageInitShape<typeof ActionResultSchema>) {
  return anyPack(ActionResultSchema, create(ActionResultSchema, result));
}

type Session = MessageInitShape<typeof BotSessionSchema>;

test("bots", async (t) => {
  const grid = await startGrid(t, {}, { expected });
  const { bots } = grid;
  const execute = async (wish = {}) => grid.execute({ instanceName, actionDigest: await grid.action(wish) });
  const open = (botSession?: Session) =>
    bots.createBotSession({ parent: "main", ...(botSession && { botSession }) } as { parent: string });

  for (const [protocol, transport] of Object.entries(transports)) {
    await t.test(`work by ${protocol}`, async () => {
      const operation = await execute();
      const bot = await openBot(createClient(Bots, transport(grid.url)));
      const { id } = await bot.lease();
      await bot.complete(id, { exitCode: 1 });
      assert.equal(responseOf(await operation.ended).result?.exitCode, 1);
      await bot.leave();
    });
  }

  await t.test("get the action itself, active, with the instance and the time that they have", async () => {
    const actionDigest = await grid.action({ action: { salt: Buffer.from("pepper") } });
    const operation = await grid.execute({ instanceName, actionDigest });
    const bot = await openBot(bots);
    const { session } = bot;
    assert.match(session.name, /^main\/[0-9a-f-]{36}$/);
    assert.deepEqual([session.botId, session.status], ["bot", BotStatus.OK]);
    assert.ok(session.expireTime && timestampMs(session.expireTime) > Date.now() + 30_000);
    const [lease] = session.leases;
    assert.equal(lease?.state, LeaseState.ACTIVE);
    const action = lease?.payload && anyUnpack(lease.payload, ActionSchema);
    assert.equal(`${Buffer.from(action?.salt ?? [])}`, "pepper");
    const requirements = lease?.requirements?.properties.map(({ key, value }) => [key, value]);
    assert.deepEqual(requirements, [["opgrid.instance", "main"]]);
    const { name } = operation;
    const { partialExecutionMetadata: partial, stage } = metadataOf(await grid.operations.getOperation({ name }));
    assert.deepEqual([partial?.worker, stage], ["bot", 3]);
    await bot.complete(lease?.id ?? "");
    await operation.ended;
    await bot.leave();
  });

  await t.test("get the next job in the reply to the end of one, and as many as they have room for", async () => {
    const operations = [await execute(), await execute(), await execute()];
    const bot = await openBot(bots, { capacity: "2" });
    const ids = bot.session.leases.map(({ id }) => id);
    assert.equal(ids.length, 2);
    const active = { id: ids[1] ?? "", state: LeaseState.ACTIVE };
    const done = { id: ids[0] ?? "", state: LeaseState.COMPLETED, result: packed({ exitCode: 0 }) };
    const { leases } = await bot.update([done, active]);
    assert.equal(leases.length, 2);
    assert.ok(leases.some(({ id }) => id === ids[1]) && !leases.some(({ id }) => id === ids[0]));
    for (const { id } of leases) await bot.complete(id);
    await Promise.all(operations.map(({ ended }) => ended));
    await bot.leave();
  });

  await t.test("get what fits their properties only", async () => {
    const windows = { platform: { properties: [{ name: "OSFamily", value: "windows" }] } };
    const operation = await execute({ action: windows });
    const linux = await openBot(bots, { botId: "linux", properties: [{ key: "OSFamily", value: "linux" }] });
    assert.deepEqual(linux.session.leases, []);
    const any = await openBot(bots, { botId: "any", properties: [{ key: "OSFamily", value: "*" }] });
    await any.complete((await any.lease()).id);
    await operation.ended;
    for (const bot of [linux, any]) await bot.leave();
  });

  await t.test("wait for work while they have none, and get it as soon as it comes", async () => {
    const bot = await openBot(bots);
    const poll = bot.update();
    assert.equal(await Promise.race([poll, delay(100, "waits")]), "waits");
    const operation = await execute();
    const [lease] = (await poll).leases;
    await bot.complete(lease?.id ?? "");
    await operation.ended;
    await bot.leave();
  });

  await t.test("are answered in good time before their deadline", async () => {
    const bot = await openBot(bots);
    const start = performance.now();
    assert.deepEqual((await bot.update([], { timeoutMs: 1000 })).leases, []);
    const took = performance.now() - start;
    assert.ok(took > 300 && took < 950, `${took} ms`);
    await bot.leave();
  });

  for (const [name, status] of Object.entries({
    UNHEALTHY: BotStatus.UNHEALTHY,
    INITIALIZING: BotStatus.INITIALIZING,
    UNSPECIFIED: BotStatus.BOT_STATUS_UNSPECIFIED,
  })) {
    await t.test(`get no work while they are ${name}`, async () => {
      const operation = await execute();
      const bot = await openBot(bots, { status });
      assert.deepEqual(bot.session.leases, []);
      assert.deepEqual((await bot.update([], { timeoutMs: 400 })).leases, []);
      await grid.operations.cancelOperation({ name: operation.name });
      await bot.leave();
    });
  }

  await t.test("give their leases back when they terminate, and their session is gone", async () => {
    const operation = await execute();
    const bot = await openBot(bots);
    await bot.lease();
    await bot.leave();
    await until(() => operation.stages().at(-1) === 2, "the job to be queued again");
    const error = await refusal(bot.update(), Code.InvalidArgument);
    assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "BOT_SESSION_NOT_FOUND");
    const next = await openBot(bots, { botId: "next" });
    await next.complete((await next.lease()).id);
    await operation.ended;
    await next.leave();
  });

  await t.test("take the place of their own earlier session, whose job is tried again", async () => {
    const operation = await execute();
    const older = await openBot(bots);
    const { id } = await older.lease();
    const newer = await openBot(bots);
    assert.equal((await newer.lease()).id, id);
    await refusal(older.update([{ id, state: LeaseState.ACTIVE }]), Code.InvalidArgument);
    await newer.complete(id);
    await operation.ended;
    await newer.leave();
  });

  await t.test("may not cancel a lease: their session is closed and the job tried again", async () => {
    const operation = await execute();
    const bot = await openBot(bots);
    const { id } = await bot.lease();
    const error = await refusal(bot.update([{ id, state: LeaseState.CANCELLED }]), Code.DataLoss);
    assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "BOT_SESSION_CLOSED");
    await refusal(bot.update(), Code.InvalidArgument);
    const next = await openBot(bots);
    await next.complete((await next.lease()).id);
    await operation.ended;
    await next.leave();
  });

  await t.test("are told of a cancelled job by its absence, and a late end of it is ignored", async () => {
    const operation = await execute();
    const bot = await openBot(bots);
    const { id } = await bot.lease();
    await grid.operations.cancelOperation({ name: operation.name });
    const cancelled = await operation.ended;
    assert.deepEqual((await bot.update([{ id, state: LeaseState.ACTIVE }])).leases, []);
    await bot.update([{ id, state: LeaseState.COMPLETED, result: packed({ exitCode: 0 }) }], { timeoutMs: 500 });
    const wait = await Array.fromAsync(grid.execution.waitExecution({ name: operation.name }));
    assert.deepEqual(wait.at(-1), cancelled);
    await bot.leave();
  });

  await t.test("cannot end or progress a job of another session", async () => {
    const operation = await execute();
    const holder = await openBot(bots);
    const { id } = await holder.lease();
    const thief = await openBot(bots, { botId: "thief" });
    await thief.update([{ id, state: LeaseState.COMPLETED, result: packed({ exitCode: 9 }) }], { timeoutMs: 500 });
    assert.equal((await grid.operations.getOperation({ name: operation.name })).done, false);
    await holder.complete(id, { exitCode: 1 });
    assert.equal(responseOf(await operation.ended).result?.exitCode, 1);
    for (const bot of [holder, thief]) await bot.leave();
  });

  await t.test("get the digest of an action that has gone from the CAS", async () => {
    const salt = Buffer.alloc(20_000);
    const actionDigest = await grid.action({ action: { salt } });
    const operation = await grid.execute({ instanceName, actionDigest });
    await removeBlob(grid.dataDir, actionDigest.hash);
    const bot = await openBot(bots);
    const { id, payload } = await bot.lease();
    assert.equal((payload && anyUnpack(payload, DigestSchema))?.hash, actionDigest.hash);
    await bot.complete(id, { status: { code: Code.FailedPrecondition, message: "gone" } });
    await operation.ended;
    await bot.leave();
  });

  const badSessions: Record<string, [Session | undefined, string]> = {
    "no session": [undefined, "bot_session"],
    "no bot id": [describeBot({ botId: "" }), "bot_session.bot_id"],
    "a bot id with control characters": [describeBot({ botId: "a\nb" }), "bot_session.bot_id"],
    "an endless bot id": [describeBot({ botId: "a".repeat(100_000) }), "bot_session.bot_id"],
    ...Object.fromEntries(
      ["", "-1", "1.5", "many", "1001", " 1", "0x1", "1e2"].map((capacity) => [
        `the capacity ${JSON.stringify(capacity)}`,
        [describeBot({ capacity }), "bot_session.worker.configs"],
      ]),
    ),
  };
  for (const [what, [session, field]] of Object.entries(badSessions)) {
    await t.test(`are refused with ${what}`, async () => {
      const error = await refusal(open(session), Code.InvalidArgument);
      assert.equal(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field, field);
    });
  }

  const { typeUrl } = packed({});
  const badLeases: Record<string, [LeaseWish, string]> = {
    "no state": [{}, "state"],
    "an unknown state": [{ state: 3 as LeaseState }, "state"],
    "a result of another type": [{ state: 4, result: anyPack(DigestSchema, create(DigestSchema)) }, "result"],
    "an empty result": [{ state: 4, result: {} }, "result"],
    "a result that cannot be read": [{ state: 4, result: { typeUrl, value: Buffer.from([0xff]) } }, "result"],
    "a result that cannot be shown": [
      { state: 4, result: packed({ executionMetadata: { queuedTimestamp: { seconds: 2n ** 60n } } }) },
      "result",
    ],
    "a status that cannot be shown": [
      { state: 4, status: { code: 2, details: [{ typeUrl, value: Buffer.from([0xff]) }] } },
      "status",
    ],
  };
  await t.test("are refused with bad leases, and keep those that they have", async (t) => {
    const operation = await execute();
    const bot = await openBot(bots);
    const { id } = await bot.lease();
    for (const [what, [lease, field]] of Object.entries(badLeases)) {
      await t.test(what, async () => {
        const error = await refusal(bot.update([{ id, ...lease } as LeaseWish]), Code.InvalidArgument);
        const [violation] = error.findDetails(BadRequestSchema)[0]?.fieldViolations ?? [];
        assert.equal(violation?.field, `bot_session.leases.${field}`);
      });
    }
    const held = await bot.update([{ id, state: LeaseState.ACTIVE }]);
    assert.equal(held.leases.length, 1);
    await bot.complete(id);
    await operation.ended;
    await bot.leave();
  });

  await t.test("may speak of leases whose ids fit into no header", async () => {
    const bot = await openBot(bots);
    for (const id of ["é\n", "", " ", "a:b", "x".repeat(10_000)]) {
      await bot.update([{ id, state: LeaseState.ACTIVE }], { timeoutMs: 500 });
    }
    await bot.leave();
  });

  await t.test("are refused with names that do not belong together", async () => {
    const bot = await openBot(bots);
    const { name } = bot.session;
    for (const [request, reason] of [
      [{ name: `main/${missing}`, botSession: describeBot() }, "BOT_SESSION_NOT_FOUND"],
      [{ name, botSession: describeBot({ botId: "other" }) }, "BOT_ID_MISMATCH"],
      [{ name, botSession: { ...describeBot(), name: `main/${missing}` } }, undefined],
      [{ name: "main/", botSession: describeBot() }, undefined],
      [{ name }, undefined],
    ] as const) {
      const error = await refusal(bots.updateBotSession(request), Code.InvalidArgument);
      assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, reason);
    }
    await bot.leave();
  });
});

test("a bot that waits is answered without work as soon as the server drains", async (t) => {
  const grid = await startGrid(t);
  const bot = await openBot(grid.bots);
  const poll = bot.update();
  // Calls of one connection begin in order: when this one is answered, the poll is in progress.
  await grid.operations.listOperations({ name: "main" });
  await grid.app.close();
  assert.deepEqual((await poll).leases, []);
});

test("the job of a bot that falls silent is tried again when its session has expired", async (t) => {
  const grid = await startGrid(t, { "bot-sessions-timeout": "1s", "bot-sessions-long-poll": "0s" }, { expected });
  const operation = await grid.execute({ instanceName, actionDigest: await grid.action() });
  const bot = await openBot(grid.bots);
  await bot.lease();
  await until(() => operation.stages().join() === "2,3,2", "the job to be queued again");
  await refusal(bot.update(), Code.InvalidArgument);
  const next = await openBot(grid.bots, { botId: "next" });
  await next.complete((await next.lease()).id);
  await operation.ended;
});
