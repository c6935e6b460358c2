import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { ContentAddressableStorage, Execution } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type Operation, Operations } from "../../gen/google/longrunning/operations_pb.ts";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { type CliProcess, spawnCli } from "../cli/run-cli.ts";
import { wallClockAhead } from "../helpers/faketime.ts";
import { sharedPostgres } from "../helpers/postgres.ts";
import { runSql } from "../helpers/postgres-server.ts";
import { until } from "../helpers/until.ts";
import { openBot } from "../services/bot.ts";
import { encodeAction, type Grid, metadataOf, responseOf, startGrid, wireDigest } from "../services/grid.ts";

const HOUR_MS = 3_600_000;

/** How much faster timers run than time, for what is done once a minute to be done within the test. */
const HASTE = 20;

/** The clock of a machine that nobody set, with timers in haste. */
function wrong(aheadMs: number): Clock {
  return {
    ...systemClock,
    now: () => Date.now() + aheadMs,
    after: (delayMs, callback) => systemClock.after(delayMs / HASTE, callback),
  };
}

const HOLDER = "SELECT holder FROM duties WHERE name = 'duties'";

function queuedAt(operation: Operation): number {
  return timestampMs(metadataOf(operation).partialExecutionMetadata?.queuedTimestamp as Timestamp);
}

function isNow(ms: number, since: number): boolean {
  return ms >= since - 1000 && ms <= Date.now() + 1000;
}

test("nothing expires, is overdue or forgotten because replicas' clocks are two hours apart", async (t) => {
  const startedAt = Date.now();
  const store = await (await sharedPostgres()).createDatabase();
  const flags = {
    ...{ store, "bot-sessions-timeout": "60s", "execution-orphan-grace": "0" },
    ...{ "execution-queue-timeout": "5m", "operations-retention": "5m" },
  };
  const expected = /clock is not the database's/;
  const ahead = await startGrid(t, flags, { clock: wrong(HOUR_MS), expected });
  const behind = await startGrid(t, flags, { clock: wrong(-HOUR_MS), expected });
  const grids: readonly Grid[] = [ahead, behind];
  assert.deepEqual(
    grids.map(({ complaints }) => complaints.length),
    [1, 1],
  );
  const execute = async (grid: Grid) => grid.execute({ instanceName: "main", actionDigest: await grid.action() });

  const bots = await Promise.all(grids.map(({ bots }, i) => openBot(bots, { botId: `bot ${i}` })));
  const ended = [await execute(ahead), await execute(behind)];
  const done = await Promise.all(bots.map((bot) => bot.lease()));
  for (const [i, bot] of bots.entries()) await bot.complete(done[i]?.id ?? "");
  const running = [await execute(ahead), await execute(behind)];
  const leases = await Promise.all(bots.map((bot) => bot.lease()));
  const queued = [await execute(ahead), await execute(behind)];
  // Two minutes for what is done periodically.
  await delay(120_000 / HASTE);

  for (const [i, bot] of bots.entries()) {
    const { leases: held, expireTime } = await bot.update([{ id: leases[i]?.id ?? "", state: 2 }]);
    assert.deepEqual(
      held.map(({ id }) => id),
      [leases[i]?.id],
    );
    const leftMs = timestampMs(expireTime as Timestamp) - Date.now();
    assert.ok(leftMs > 0 && leftMs < 150_000, `${leftMs} ms`);
  }
  const stages = async ({ operations }: Grid) => {
    const all = [...ended, ...running, ...queued].map(({ name }) => operations.getOperation({ name }));
    return (await Promise.all(all)).map((operation) => {
      assert.ok(isNow(queuedAt(operation), startedAt), operation.name);
      return metadataOf(operation).stage;
    });
  };
  for (const grid of grids) assert.deepEqual(await stages(grid), [4, 4, 3, 3, 2, 2]);
  for (const { ended: end } of ended) assert.equal(responseOf(await end).status?.code ?? 0, 0);
  const [[attempts] = []] = await runSql(store, "SELECT max(attempts) FROM jobs");
  assert.equal(attempts, 1);
  for (const { drop, ended: end } of [...running, ...queued]) {
    end.catch(() => {});
    drop();
  }
});

test("processes of which one has its wall clock an hour ahead do all work once, and the duties survive the death of that one", async (t) => {
  const startedAt = Date.now();
  const store = await (await sharedPostgres()).createDatabase();
  // The first has the periodic duties.
  const ahead = await startReplica(t, store, wallClockAhead(3600));
  const right = await startReplica(t, store, {});
  assert.match(ahead.process.err(), /"aheadMs":3(599|600)\d{3},.*clock is not the database's/);
  const names: string[] = [];
  for (let i = 0; i < 12; i++) {
    // What an action needs is put into the CAS of each, which they do not share here.
    const { blobs, digest: actionDigest } = encodeAction({ argv: ["sh", "-c", `sleep ${i < 4 ? 4 : 0.1} # ${i}`] });
    const requests = blobs.map((data) => ({ digest: wireDigest(data), data: new Uint8Array(data) }));
    for (const { cas } of [ahead, right]) await cas.batchUpdateBlobs({ instanceName: "main", requests });
    const { execution } = i % 2 === 0 ? ahead : right;
    for await (const { name } of execution.execute({ instanceName: "main", actionDigest })) {
      names.push(name);
      break;
    }
  }
  for (const [i, name] of names.entries()) {
    const { operations } = i % 2 === 0 ? right : ahead;
    await until(async () => (await operations.getOperation({ name })).done, `${name} to end`, 60_000);
    const operation = await operations.getOperation({ name });
    assert.equal(responseOf(operation).result?.exitCode, 0);
    assert.ok(isNow(queuedAt(operation), startedAt), operation.name);
  }
  const counts = "SELECT max(attempts), count(*)::int, (SELECT count(*)::int FROM sessions) FROM jobs";
  assert.deepEqual(await runSql(store, counts), [[1, names.length, 2]]);
  for (const { process } of [ahead, right]) assert.doesNotMatch(process.err(), /bot session closed/);

  const [[dead] = []] = await runSql(store, HOLDER);
  ahead.process.kill("SIGKILL");
  const diedAt = performance.now();
  await until(async () => (await runSql(store, HOLDER))[0]?.[0] !== dead, "the other to have the duties", 10_000);
  assert.ok(performance.now() - diedAt < 5500);
  await until(() => /bot session closed/.test(right.process.err()), "the dead one's bot to be missed", 15_000);
});

/** A replica as users start it, with a bot of its own, whose sessions end soon. */
async function startReplica(t: TestContext, store: string, env: Record<string, string>) {
  const directory = mkdtempSync(join(tmpdir(), "opgrid-clocks-"));
  t.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  const flags = {
    ...{ listen: "127.0.0.1:0", "data-dir": directory, store, instances: "main", bots: "1", "log-format": "json" },
    ...{ "bot-sessions-timeout": "4s", "bot-sessions-long-poll": "1s", "execution-orphan-grace": "0" },
    ...{ "execution-queue-timeout": "30m", "operations-retention": "30m" },
  };
  const process = spawnCli(
    t,
    ["serve", ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])],
    env,
  );
  await until(() => /bot session opened/.test(process.err()), "a server with a bot", 30_000);
  return { process, ...clientsOf(t, process) };
}

function clientsOf(t: TestContext, process: CliProcess) {
  const baseUrl = /opgrid is serving on (\S+)/.exec(process.out())?.[1] ?? "";
  const sessionManager = new Http2SessionManager(baseUrl);
  t.after(() => sessionManager.abort());
  const transport = createGrpcTransport({ baseUrl, sessionManager });
  return {
    cas: createClient(ContentAddressableStorage, transport),
    execution: createClient(Execution, transport),
    operations: createClient(Operations, transport),
  };
}
