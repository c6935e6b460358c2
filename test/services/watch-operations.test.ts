import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { FarmService, OperationView } from "../../gen/opgrid/v1/opgrid_pb.ts";
import { startServer, transports } from "../helpers/start-server.ts";
import { until } from "../helpers/until.ts";
import { openBot } from "./bot.ts";
import { metadataOf, refusal, startGrid, temporaryDirectory } from "./grid.ts";
import { lastSummary, startFarm, submit, type Wish, watch } from "./watch.ts";

test("a watch shows what matches, then each change of it", async (t) => {
  const grid = await startFarm(t);
  const first = await submit(grid);
  const watched = watch(grid.farm);
  await watched.untilLive();
  assert.deepEqual([...watched.rows], [[first, 2]]);
  assert.equal(watched.responses[0]?.reset, true);
  const bot = await openBot(grid.bots);
  const { id } = await bot.lease();
  await until(() => watched.news.includes(`3 ${first}`));
  const second = await submit(grid);
  await bot.complete(id);
  await until(() => watched.news.includes(`left ${first}`) && watched.rows.has(second));
  assert.ok(!watched.rows.has(first));
  assert.ok(watched.responses.slice(1).every(({ reset }) => !reset));
});

test("rows come in the order of the filter, in pages", async (t) => {
  const grid = await startFarm(t);
  const names: string[] = [];
  for (let i = 0; i < 230; i++) names.push(await submit(grid));
  const watched = watch(grid.farm, { filter: "sort_order=queued_time(desc) & sort_order=name(desc) & NOT done" });
  await watched.untilLive();
  assert.deepEqual([...watched.rows.keys()], names.toReversed());
  assert.deepEqual(
    watched.responses.map(({ reset, live, changes }) => [reset, live, changes.length]),
    [
      [true, false, 100],
      [false, false, 100],
      [false, true, 30],
    ],
  );
});

test("who resumes hears at once that there is nothing new", async (t) => {
  const grid = await startFarm(t);
  const name = await submit(grid);
  const watched = watch(grid.farm);
  await watched.untilLive();
  const resumed = watch(grid.farm, { resumeToken: watched.token });
  await resumed.untilLive();
  assert.deepEqual([resumed.responses.length, resumed.responses[0]?.reset, resumed.rows.size], [1, false, 0]);
  await grid.operations.cancelOperation({ name });
  await until(() => resumed.news.includes(`left ${name}`));
});

test("a watch of changes only begins with what comes", async (t) => {
  const grid = await startFarm(t);
  await submit(grid);
  const watched = watch(grid.farm, { changesOnly: true });
  await watched.untilLive();
  assert.deepEqual([watched.responses[0]?.reset, watched.rows.size], [true, 0]);
  const second = await submit(grid);
  await until(() => watched.rows.size > 0);
  assert.deepEqual([...watched.rows.keys()], [second]);
});

test("deletions are told, also of what never matched", async (t) => {
  const grid = await startFarm(t);
  const name = await submit(grid);
  const watched = watch(grid.farm, { filter: "tool_name=bazel" });
  await watched.untilLive();
  await grid.operations.deleteOperation({ name });
  await until(() => watched.news.length > 0);
  assert.deepEqual(watched.news, [`deleted ${name}`]);
});

test("nothing is said of what cannot have matched", async (t) => {
  const grid = await startFarm(t);
  const watched = watch(grid.farm, { filter: "error.code > 0 OR tool_name = bazel" });
  await watched.untilLive();
  const fine = await submit(grid);
  const bot = await openBot(grid.bots);
  await bot.complete((await bot.lease()).id);
  const bad = await submit(grid);
  await grid.operations.cancelOperation({ name: bad });
  await until(() => watched.news.length > 0);
  assert.deepEqual(watched.news, [`4 ${bad}`]);
  assert.ok(!watched.rows.has(fine));
});

test("a watch resumes where it was, in the rows and after them", async (t) => {
  const grid = await startFarm(t);
  const names: string[] = [];
  for (let i = 0; i < 150; i++) names.push(await submit(grid));
  const whole = watch(grid.farm);
  await whole.untilLive();
  whole.stop();
  const [firstPage] = whole.responses;
  assert.ok(firstPage);
  // What happens meanwhile to a row that was sent, to one that was not, and to nobody's knowledge.
  const [sent = "", unsent = ""] = [names[0], names[149]];
  await grid.operations.cancelOperation({ name: sent });
  await grid.operations.deleteOperation({ name: unsent });
  const fresh = await submit(grid);
  const rest = watch(grid.farm, { resumeToken: firstPage.resumeToken });
  await rest.untilLive();
  await until(() => rest.rows.has(fresh));
  assert.ok(rest.responses.every(({ reset }) => !reset));
  const expected = [...names.slice(100, 149), fresh];
  await until(() => rest.news.includes(`left ${sent}`));
  assert.deepEqual([...rest.rows.keys()].sort(), expected.sort());
  const after = watch(grid.farm, { resumeToken: whole.token });
  await until(() => after.rows.has(fresh));
  await until(() => after.responses.flatMap(({ changes }) => changes).length >= 3);
  assert.deepEqual(
    after.responses.flatMap(({ changes }) => changes.map(({ change }) => change.case)),
    ["left", "deleted", "operation"],
  );
});

test("a watch resumes after a restart of the server and misses nothing", async (t) => {
  const dataDir = await temporaryDirectory(t);
  const first = await startGrid(t, { "data-dir": dataDir });
  const [gone, kept] = [await submit(first), await submit(first)];
  const watched = watch(first.client(FarmService));
  await watched.untilLive();
  watched.stop();
  await first.operations.deleteOperation({ name: gone });
  await first.app.close();
  const second = await startGrid(t, { "data-dir": dataDir });
  await second.operations.cancelOperation({ name: kept });
  const resumed = watch(second.client(FarmService), { resumeToken: watched.token });
  await until(() => resumed.responses.flatMap(({ changes }) => changes).length >= 2);
  assert.deepEqual(
    resumed.responses.flatMap(({ changes }) => changes.map(({ change }) => [change.case, change.value])),
    [
      ["deleted", gone],
      ["left", kept],
    ],
  );
});

test("a token of another server's data begins the watch anew", async (t) => {
  const [one, other] = [await startFarm(t), await startFarm(t)];
  const name = await submit(other);
  const elsewhere = watch(one.farm);
  await elsewhere.untilLive();
  const resumed = watch(other.farm, { resumeToken: elsewhere.token });
  await resumed.untilLive();
  assert.equal(resumed.responses[0]?.reset, true);
  assert.deepEqual([...resumed.rows.keys()], [name]);
});

test("a watch of - shows all instances that serve it", async (t) => {
  const grid = await startFarm(t, { instances: '["", "main", {name: shut, services: [cas, execution]}]' });
  const [unnamed, main] = [await submit(grid, ""), await submit(grid, "main")];
  await submit(grid, "shut");
  const watched = watch(grid.farm, { instanceName: "-" });
  await watched.untilLive();
  assert.deepEqual([...watched.rows.keys()], [unnamed, main]);
  const later = await submit(grid, "");
  await submit(grid, "shut");
  await grid.operations.cancelOperation({ name: main });
  await until(() => watched.news.includes(`left ${main}`));
  assert.deepEqual(watched.news, [`2 ${later}`, `left ${main}`]);
});

test("a watch of one instance sees nothing of another", async (t) => {
  const grid = await startFarm(t, { instances: '["other", "main"]' });
  const watched = watch(grid.farm);
  await watched.untilLive();
  const elsewhere = await submit(grid, "other");
  await grid.operations.deleteOperation({ name: elsewhere });
  const here = await submit(grid);
  await until(() => watched.news.length > 0);
  assert.deepEqual(watched.news, [`2 ${here}`]);
});

test("a silent watch says now and then that it is there", async (t) => {
  const grid = await startFarm(t, { "execution-keep-alive": "100ms" });
  const watched = watch(grid.farm);
  await until(() => watched.responses.length >= 4);
  assert.ok(watched.responses.every(({ changes, live, resumeToken }) => !changes.length && live && resumeToken));
});

test("who reads slowly skips states and ends with the last ones", async (t) => {
  const grid = await startFarm(t);
  const hangUp = new AbortController();
  t.after(() => hangUp.abort());
  const stream = grid.farm.watchOperations({ instanceName: "main", filter: "command:*" }, { signal: hangUp.signal });
  const reader = stream[Symbol.asyncIterator]();
  await reader.next();
  const names: string[] = [];
  for (let i = 0; i < 50; i++) {
    names.push(await submit(grid));
    await delay(1);
  }
  for (const name of names) await grid.operations.cancelOperation({ name });
  const rows = new Map<string, number>();
  while (names.some((name) => rows.get(name) !== 4)) {
    const { value } = await reader.next();
    for (const { change } of value?.changes ?? []) {
      if (change.case === "operation") rows.set(change.value.name, metadataOf(change.value).stage);
    }
  }
});

describe("a watch is the same in every protocol", () => {
  for (const [protocol, transportTo] of Object.entries(transports)) {
    test(protocol, async (t) => {
      const grid = await startFarm(t);
      const farm = createClient(FarmService, transportTo(grid.url));
      const name = await submit(grid);
      const watched = watch(farm);
      const summaries = watch(farm, { view: OperationView.SUMMARY, limit: 1 });
      await Promise.all([watched.untilLive(), summaries.untilLive()]);
      assert.deepEqual([...summaries.rows], [...watched.rows]);
      assert.match(lastSummary(summaries, 2)?.command ?? "", /^run /);
      summaries.stop();
      await grid.operations.cancelOperation({ name });
      await until(() => watched.news.length > 0);
      assert.deepEqual(watched.news, [`left ${name}`]);
      watched.stop();
      const reason = await watched.ended;
      assert.ok(reason instanceof ConnectError && reason.code === Code.Canceled, String(reason));
    });
  }
});

test("what cannot be watched is refused by its field", async (t) => {
  const grid = await startFarm(t);
  const live = watch(grid.farm);
  await live.untilLive();
  const fieldOf = async (wish: Wish) => {
    const error = (await watch(grid.farm, wish).ended) as ConnectError;
    assert.equal(error.code, Code.InvalidArgument);
    return error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field;
  };
  assert.equal(await fieldOf({ filter: "stag=QUEUED" }), "filter");
  assert.equal(await fieldOf({ limit: -1 }), "limit");
  assert.equal(await fieldOf({ limit: -1, resumeToken: live.token }), "limit");
  assert.equal(await fieldOf({ view: 2 as OperationView }), "view");
  assert.equal(await fieldOf({ resumeToken: "nonsense" }), "resume_token");
  assert.equal(await fieldOf({ resumeToken: live.token, filter: "done" }), "resume_token");
  assert.equal(await fieldOf({ resumeToken: `${live.token}=` }), "resume_token");
  const unknown = (await watch(grid.farm, { instanceName: "nowhere" }).ended) as ConnectError;
  assert.equal(unknown.findDetails(ErrorInfoSchema)[0]?.reason, "INSTANCE_UNKNOWN");
});

test("a watch has to begin anew when nobody knows what was deleted", async (t) => {
  const grid = await startFarm(t);
  const watched = watch(grid.farm, { changesOnly: true });
  await watched.untilLive();
  const parts = JSON.parse(Buffer.from(watched.token, "base64url").toString()) as unknown[];
  parts[3] = String(parts[3]).replace(/\.\d+\./, ".9999.");
  const resumeToken = Buffer.from(JSON.stringify(parts)).toString("base64url");
  const resumed = watch(grid.farm, { resumeToken });
  await resumed.untilLive();
  assert.equal(resumed.responses[0]?.reset, true);
});

test("a watch ends with a clean UNAVAILABLE when the server shuts down", async (t) => {
  const server = await startServer(t, { instances: "main" });
  const watched = watch(server.client(FarmService));
  await watched.untilLive();
  await server.app.close();
  const error = (await watched.ended) as ConnectError;
  assert.equal(error.code, Code.Unavailable);
  assert.equal(error.findDetails(RetryInfoSchema).length, 1);
});

test("a deadline ends a watch", async (t) => {
  const { farm } = await startFarm(t);
  await refusal(
    (async () => {
      for await (const _ of farm.watchOperations({ instanceName: "main" }, { timeoutMs: 100 }));
    })(),
    Code.DeadlineExceeded,
  );
});
