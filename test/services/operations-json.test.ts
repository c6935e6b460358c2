import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Code, encodeBinaryHeader } from "@connectrpc/connect";
import {
  ActionResultSchema,
  RequestMetadataSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { openBot } from "./bot.ts";
import { type Grid, startGrid, type WireDigest } from "./grid.ts";

const TYPE = "type.googleapis.com/build.bazel.remote.execution.v2";
const METADATA = "build.bazel.remote.execution.v2.requestmetadata-bin";
const UNKNOWN_TYPE = "type.googleapis.com/build.buildbox.ExecutionStatistics";

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

async function read(response: Response): Promise<Reply> {
  const { status, headers } = response;
  const text = (await response.text()).replaceAll(/"20\d\d-[^"]*Z"/g, '"<time>"');
  return { status, headers, body: JSON.parse(text) };
}

async function post(grid: Grid, method: string, body: unknown, headers = {}): Promise<Reply> {
  const url = `${grid.url}/google.longrunning.Operations/${method}`;
  const init = { method: "POST", headers: { "content-type": "application/json", ...headers } };
  return read(await fetch(url, { ...init, body: JSON.stringify(body) }));
}

async function get(grid: Grid, method: string, message: unknown): Promise<Reply> {
  const query = new URLSearchParams({ connect: "v1", encoding: "json", message: JSON.stringify(message) });
  return read(await fetch(`${grid.url}/google.longrunning.Operations/${method}?${query}`));
}

function metadata(stage: string, { hash, sizeBytes }: WireDigest, soFar: object) {
  return {
    "@type": `${TYPE}.ExecuteOperationMetadata`,
    stage,
    actionDigest: { hash, sizeBytes: `${sizeBytes}` },
    partialExecutionMetadata: { queuedTimestamp: "<time>", ...soFar },
    digestFunction: "SHA256",
  };
}

test("operations as curl shows them", async (t) => {
  const grid = await startGrid(t);
  const bot = await openBot(grid.bots);
  const ran = { worker: "bot", workerStartTimestamp: "<time>", workerCompletedTimestamp: "<time>" };

  await t.test("queued, by POST and by GET, with its trailers as headers and nothing to cache", async () => {
    const digest = await grid.action({ action: { platform: { properties: [{ name: "served", value: "never" }] } } });
    const encoded = encodeBinaryHeader(
      create(RequestMetadataSchema, { toolDetails: {}, targetId: "//x" }),
      RequestMetadataSchema,
    );
    const { name } = await grid.execute({ instanceName: "main", actionDigest: digest }, { [METADATA]: encoded });
    const expected = { name, metadata: metadata("QUEUED", digest, {}) };
    const posted = await post(grid, "GetOperation", { name });
    assert.deepEqual([posted.status, posted.body], [200, expected]);
    assert.equal(posted.headers.get(`trailer-${METADATA}`), encoded);
    const got = await get(grid, "GetOperation", { name });
    assert.deepEqual([got.status, got.body], [200, expected]);
    assert.equal(got.headers.get("cache-control"), "no-store");
    assert.deepEqual((await get(grid, "ListOperations", { name: "main" })).body, { operations: [expected] });
    assert.deepEqual((await get(grid, "WaitOperation", { name, timeout: "0.01s" })).body, expected);
    assert.deepEqual((await post(grid, "CancelOperation", { name })).body, {});
    assert.deepEqual((await post(grid, "GetOperation", { name })).body, {
      name,
      metadata: metadata("COMPLETED", digest, {}),
      done: true,
      error: {
        code: 1,
        message: "the operation was cancelled",
        details: [{ "@type": `${TYPE}.ExecuteResponse`, status: { code: 1, message: "the operation was cancelled" } }],
      },
    });
    assert.deepEqual((await post(grid, "DeleteOperation", { name })).body, {});
    const gone = await get(grid, "GetOperation", { name });
    assert.deepEqual([gone.status, (gone.body as { code: string }).code], [404, "not_found"]);
    assert.equal(gone.headers.get("cache-control"), "no-store");
  });

  await t.test("succeeded", async () => {
    const digest = await grid.action();
    const { name } = await grid.execute({ instanceName: "main", actionDigest: digest });
    const result = create(ActionResultSchema, { exitCode: 2, stderrRaw: Buffer.from("no") });
    const { id } = await bot.lease();
    await bot.complete(id, { result: anyPack(ActionResultSchema, result) });
    assert.deepEqual((await post(grid, "WaitOperation", { name })).body, {
      name,
      metadata: metadata("COMPLETED", digest, ran),
      done: true,
      response: {
        "@type": `${TYPE}.ExecuteResponse`,
        result: {
          exitCode: 2,
          stderrRaw: Buffer.from("no").toString("base64"),
          executionMetadata: { worker: "bot", queuedTimestamp: "<time>" },
        },
      },
    });
  });

  await t.test("with an Any of a type that the server does not know, in the metadata and the response", async () => {
    const digest = await grid.action();
    const { name } = await grid.execute({ instanceName: "main", actionDigest: digest });
    const { id } = await bot.lease();
    const auxiliaryMetadata = [{ typeUrl: UNKNOWN_TYPE, value: new Uint8Array([0x0a, 1, 0x41]) }];
    const result = create(ActionResultSchema, { executionMetadata: { auxiliaryMetadata } });
    await bot.complete(id, { result: anyPack(ActionResultSchema, result) });
    const { status, body } = await post(grid, "WaitOperation", { name });
    assert.equal(status, 200);
    const { response } = body as { response: { result: { executionMetadata: { auxiliaryMetadata: unknown } } } };
    assert.deepEqual(response.result.executionMetadata.auxiliaryMetadata, [{ "@type": UNKNOWN_TYPE, value: "CgFB" }]);
    const list = await post(grid, "ListOperations", { name: "main", filter: "stage=COMPLETED" });
    assert.equal((list.body as { operations: unknown[] }).operations.length, 2);
    const whole = await grid.operations.getOperation({ name });
    assert.ok(whole.result.case === "response");
    assert.ok(Buffer.from(whole.result.value.value).includes(Buffer.from(UNKNOWN_TYPE)));
  });

  await t.test("an error, with its details", async () => {
    const { status, body } = await post(grid, "ListOperations", { name: "main", pageSize: -1 });
    const { code, message, details } = body as { code: string; message: string; details: { debug: unknown }[] };
    assert.deepEqual([status, code, message], [400, "invalid_argument", "page_size: must not be negative"]);
    assert.deepEqual(details[0]?.debug, {
      fieldViolations: [{ field: "page_size", description: "must not be negative" }],
    });
  });

  await t.test("refuses bodies that are no request", async () => {
    for (const body of [{ name: 1 }, { name: ["main/x"] }, [], "main/x", { name: "main/x", timeout: "soon" }]) {
      const { status, body: answer } = await post(grid, "WaitOperation", body);
      assert.deepEqual([status, (answer as { code: string }).code], [400, "invalid_argument"], JSON.stringify(body));
    }
    assert.equal((await post(grid, "CancelOperation", { name: "main/x", more: 1 })).status, 400);
  });

  await t.test("does not serve changes by GET", async () => {
    for (const method of ["CancelOperation", "DeleteOperation"]) {
      const response = await fetch(`${grid.url}/google.longrunning.Operations/${method}?message={}&encoding=json`);
      assert.equal(response.status, 405);
      await response.body?.cancel();
    }
  });

  await t.test("no Any of an unknown type, whose content could not be read, is taken from JSON", async () => {
    const watched = await grid.execute({ instanceName: "main", actionDigest: await grid.action() });
    const { id } = await bot.lease();
    const unknown = { "@type": UNKNOWN_TYPE, cpu: 1 };
    const update = async (lease: object) => {
      const { name, botId } = bot.session;
      const url = `${grid.url}/google.devtools.remoteworkers.v1test2.Bots/UpdateBotSession`;
      const body = JSON.stringify({ name, botSession: { botId, status: "OK", leases: [{ id, ...lease }] } });
      return read(await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body }));
    };
    for (const end of [
      { result: unknown },
      { status: { code: Code.Aborted, details: [unknown] } },
      { result: { "@type": `${TYPE}.ActionResult`, executionMetadata: { auxiliaryMetadata: [unknown] } } },
    ]) {
      const { status, body } = await update({ state: "COMPLETED", ...end });
      assert.deepEqual([status, (body as { code: string }).code], [400, "invalid_argument"]);
    }
    assert.equal((await grid.operations.getOperation({ name: watched.name })).done, false);
    const good = await update({ state: "COMPLETED", result: { "@type": `${TYPE}.ActionResult`, exitCode: 4 } });
    assert.equal(good.status, 200);
    assert.equal((await watched.ended).done, true);
  });
});
