import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, encodeBinaryHeader } from "@connectrpc/connect";
import {
  ActionResultSchema,
  RequestMetadataSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { OperationView, WatchOperationsResponseSchema } from "../../gen/opgrid/v1/opgrid_pb.ts";
import { until } from "../helpers/until.ts";
import { openBot } from "./bot.ts";
import { lastSummary, startFarm, submit, type Watch, watch } from "./watch.ts";

/** In which view an operation was sent last. */
function caseOf({ responses }: Watch, name: string): string | undefined {
  const changes = responses.flatMap((response) => response.changes.map(({ change }) => change));
  return changes.findLast(
    ({ case: view, value }) => (view === "operation" || view === "summary") && value.name === name,
  )?.case;
}

test("a summary tells what a table shows, from the queue to the end", async (t) => {
  const grid = await startFarm(t);
  const metadata = create(RequestMetadataSchema, { toolDetails: { toolName: "bazel" }, targetId: "//a:b" });
  const headers = {
    "build.bazel.remote.execution.v2.requestmetadata-bin": encodeBinaryHeader(metadata, RequestMetadataSchema),
    ...{ "x-request-actor": "ann", "x-request-subject": "ci", "x-request-workflow": "nightly" },
  };
  const watched = watch(grid.farm, { view: OperationView.SUMMARY, filter: "command:*" });
  await watched.untilLive();
  const actionDigest = await grid.action({ argv: ["gcc", "x".repeat(300)] });
  const { name } = await grid.execute({ instanceName: "main", actionDigest }, headers);
  await until(() => watched.rows.get(name) === 2);
  const bot = await openBot(grid.bots);
  const { id } = await bot.lease();
  await until(() => watched.rows.get(name) === 3);
  await bot.complete(id, { exitCode: 3 });
  await until(() => watched.rows.get(name) === 4);
  const [queued, executing, completed] = [2, 3, 4].map((stage) => lastSummary(watched, stage));
  assert.equal(queued?.command, `gcc ${"x".repeat(196)}`);
  assert.deepEqual({ ...queued?.actionDigest, $typeName: undefined }, { ...actionDigest, $typeName: undefined });
  assert.deepEqual([queued?.requestMetadata?.targetId, queued?.clientIdentity?.actor], ["//a:b", "ann"]);
  assert.deepEqual(
    [queued?.attempts, queued?.worker, queued?.exitCode, queued?.startTime],
    [0, "", undefined, undefined],
  );
  assert.deepEqual([executing?.attempts, executing?.worker, executing?.completedTime], [1, "bot", undefined]);
  assert.deepEqual([completed?.exitCode, completed?.errorCode, completed?.cached], [3, 0, false]);
  assert.deepEqual(completed?.updateTime, completed?.completedTime);
});

test("summaries of large results come together in one message, and are small", async (t) => {
  const grid = await startFarm(t);
  const bot = await openBot(grid.bots);
  const result = anyPack(ActionResultSchema, create(ActionResultSchema, { stdoutRaw: new Uint8Array(700_000) }));
  for (let i = 0; i < 3; i++) {
    await submit(grid);
    await bot.complete((await bot.lease()).id, { result });
  }
  const filter = "command:*";
  const [whole, small] = [watch(grid.farm, { filter }), watch(grid.farm, { filter, view: OperationView.SUMMARY })];
  await Promise.all([whole.untilLive(), small.untilLive()]);
  assert.equal(whole.responses.length, 3);
  assert.deepEqual([small.responses.length, small.rows.size], [1, 3]);
  const bytes = small.responses.map((response) => toBinary(WatchOperationsResponseSchema, response).length);
  assert.ok((bytes[0] ?? 0) < 2_000, `${bytes}`);
});

test("a token is good for the other view, and watchers of both see the same changes", async (t) => {
  const grid = await startFarm(t);
  const [whole, small] = [watch(grid.farm), watch(grid.farm, { view: OperationView.SUMMARY })];
  await Promise.all([whole.untilLive(), small.untilLive()]);
  const name = await submit(grid);
  await until(() => whole.rows.has(name) && small.rows.has(name));
  assert.deepEqual([caseOf(whole, name), caseOf(small, name)], ["operation", "summary"]);
  const second = await submit(grid);
  await until(() => whole.rows.has(second) && small.rows.has(second));
  const before = (of: Watch) => of.responses[0]?.resumeToken ?? "";
  const asWhole = watch(grid.farm, { resumeToken: before(small) });
  const asSmall = watch(grid.farm, { resumeToken: before(whole), view: OperationView.SUMMARY });
  await until(() => asWhole.rows.has(second) && asSmall.rows.has(second));
  assert.deepEqual([caseOf(asWhole, name), caseOf(asSmall, name)], ["operation", "summary"]);
});

test("a limit lets the first rows through, says that there are more, and holds back no change", async (t) => {
  const grid = await startFarm(t);
  const names: string[] = [];
  for (let i = 0; i < 4; i++) names.push(await submit(grid));
  const filter = "sort_order=queued_time(desc) & sort_order=name(desc) & NOT done";
  const watched = watch(grid.farm, { filter, limit: 2 });
  await watched.untilLive();
  assert.deepEqual([...watched.rows.keys()], names.toReversed().slice(0, 2));
  assert.deepEqual(
    watched.responses.map(({ live, truncated, changes }) => [live, truncated, changes.length]),
    [[true, true, 2]],
  );
  const [unsent = ""] = names;
  await grid.operations.cancelOperation({ name: unsent });
  await until(() => watched.news.includes(`left ${unsent}`));
  const fresh = await submit(grid);
  await until(() => watched.rows.has(fresh));
  assert.ok(watched.responses.slice(1).every(({ truncated }) => !truncated));
});

test("a limit that all rows fit into truncates nothing", async (t) => {
  const grid = await startFarm(t);
  const names = [await submit(grid), await submit(grid)];
  for (const limit of [0, 2, 3, 1000]) {
    const watched = watch(grid.farm, { limit });
    await watched.untilLive();
    assert.deepEqual([[...watched.rows.keys()], watched.responses[0]?.truncated], [names, false], `limit ${limit}`);
    watched.stop();
  }
  const changes = watch(grid.farm, { limit: 1, changesOnly: true });
  await changes.untilLive();
  assert.deepEqual([changes.rows.size, changes.responses[0]?.truncated], [0, false]);
});

test("a watch with a limit that is resumed sends what is left of it, and never the rest", async (t) => {
  const grid = await startFarm(t, { instances: '["main", "other"]' });
  const names: string[] = [];
  for (let i = 0; i < 160; i++) names.push(await submit(grid, i % 2 ? "main" : "other"));
  const wish = { instanceName: "-", limit: 120, view: OperationView.SUMMARY };
  const whole = watch(grid.farm, wish);
  await whole.untilLive();
  whole.stop();
  assert.deepEqual([...whole.rows.keys()], names.slice(0, 120));
  assert.deepEqual(
    whole.responses.map(({ live, truncated, changes }) => [live, truncated, changes.length]),
    [
      [false, false, 100],
      [true, true, 20],
    ],
  );
  const inRows = watch(grid.farm, { ...wish, resumeToken: whole.responses[0]?.resumeToken ?? "" });
  await inRows.untilLive();
  assert.deepEqual([[...inRows.rows.keys()], inRows.responses[0]?.truncated], [names.slice(100, 120), true]);
  const after = watch(grid.farm, { ...wish, resumeToken: whole.token });
  await after.untilLive();
  const fresh = await submit(grid);
  await until(() => after.rows.has(fresh) && inRows.rows.has(fresh));
  assert.deepEqual([...after.rows.keys()], [fresh]);
  assert.equal(inRows.rows.size, 21);
});

test("a token with an impossible rest of the limit is damaged", async (t) => {
  const grid = await startFarm(t);
  for (let i = 0; i < 102; i++) await submit(grid);
  const watched = watch(grid.farm, { limit: 101 });
  await watched.untilLive();
  const [inRows, live] = watched.responses.map(({ resumeToken }) => partsOf(resumeToken));
  assert.equal(inRows?.at(-1), 1);
  const outside = inRows?.slice(0, -1) ?? [];
  for (const parts of [...[0, -1, 0.5, "1", null].map((left) => [...outside, left]), [...(live ?? []), 1]]) {
    const resumeToken = Buffer.from(JSON.stringify(parts)).toString("base64url");
    const error = await watch(grid.farm, { resumeToken }).ended;
    assert.ok(error instanceof ConnectError && error.code === Code.InvalidArgument, JSON.stringify(parts));
  }
});

function partsOf(token: string): unknown[] {
  return JSON.parse(Buffer.from(token, "base64url").toString());
}
