import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, createClient } from "@connectrpc/connect";
import { Execution } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { ByteStream } from "../../gen/google/bytestream/bytestream_pb.ts";
import { Operations } from "../../gen/google/longrunning/operations_pb.ts";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { transports } from "../helpers/start-server.ts";
import { describeBot, openBot } from "../services/bot.ts";
import { blobName, type Grid, refusal, responseOf, startGrid, wireDigest } from "../services/grid.ts";

const STORAGE = ["cas", "bytestream", "action_cache", "capabilities"];
const instances = JSON.stringify([
  "",
  "main",
  "dev/linux/x64",
  { name: "storage", services: STORAGE },
  { name: "work", services: ["operations", "execution", "bots"] },
]);
const blob = Buffer.from("content");
const digest = wireDigest(blob);
const id = "01900000-0000-7000-8000-000000000000";

type Call = (grid: Grid, instance: string) => Promise<unknown> | AsyncIterable<unknown>;

async function* once<T>(message: T) {
  yield message;
}

/** Every method that names an instance, and its service. */
const calls: Record<string, [service: string, call: Call]> = {
  GetOperation: ["operations", (grid, at) => grid.operations.getOperation({ name: `${at}/${id}` })],
  ListOperations: ["operations", (grid, at) => grid.operations.listOperations({ name: at })],
  CancelOperation: ["operations", (grid, at) => grid.operations.cancelOperation({ name: `${at}/${id}` })],
  DeleteOperation: ["operations", (grid, at) => grid.operations.deleteOperation({ name: `${at}/${id}` })],
  WaitOperation: ["operations", (grid, at) => grid.operations.waitOperation({ name: `${at}/${id}` })],
  Execute: ["execution", (grid, at) => grid.execution.execute({ instanceName: at, actionDigest: digest })],
  WaitExecution: ["execution", (grid, at) => grid.execution.waitExecution({ name: `${at}/${id}` })],
  FindMissingBlobs: ["cas", (grid, at) => grid.cas.findMissingBlobs({ instanceName: at })],
  BatchUpdateBlobs: ["cas", (grid, at) => grid.cas.batchUpdateBlobs({ instanceName: at })],
  BatchReadBlobs: ["cas", (grid, at) => grid.cas.batchReadBlobs({ instanceName: at })],
  GetTree: ["cas", (grid, at) => grid.cas.getTree({ instanceName: at, rootDigest: digest })],
  SplitBlob: ["cas", (grid, at) => grid.cas.splitBlob({ instanceName: at })],
  SpliceBlob: ["cas", (grid, at) => grid.cas.spliceBlob({ instanceName: at })],
  GetActionResult: [
    "action_cache",
    (grid, at) => grid.actionCache.getActionResult({ instanceName: at, actionDigest: digest }),
  ],
  UpdateActionResult: ["action_cache", (grid, at) => grid.actionCache.updateActionResult({ instanceName: at })],
  Read: ["bytestream", (grid, at) => grid.byteStream.read({ resourceName: `${at}/${blobName(digest)}` })],
  Write: ["bytestream", (grid, at) => grid.byteStream.write(once({ resourceName: upload(at), data: blob }))],
  QueryWriteStatus: ["bytestream", (grid, at) => grid.byteStream.queryWriteStatus({ resourceName: upload(at) })],
  GetCapabilities: ["capabilities", (grid, at) => grid.capabilities.getCapabilities({ instanceName: at })],
};

function upload(instance: string): string {
  return `${instance}/uploads/an-id/${blobName(digest)}`;
}

/** Of the bots' methods, which `*` has as well. */
const botCalls: typeof calls = {
  CreateBotSession: ["bots", (grid, at) => grid.bots.createBotSession({ parent: at, botSession: describeBot() })],
  UpdateBotSession: [
    "bots",
    (grid, at) => grid.bots.updateBotSession({ name: `${at}/${id}`, botSession: describeBot() }),
  ],
  PostBotEventTemp: ["bots", (grid, at) => grid.bots.postBotEventTemp({ name: `${at}/${id}` })],
};

async function assertUnknown(call: ReturnType<Call>, instance: string): Promise<void> {
  const error = await refusal(call, Code.InvalidArgument);
  const [info] = error.findDetails(ErrorInfoSchema);
  assert.deepEqual([info?.reason, info?.domain, info?.metadata], ["INSTANCE_UNKNOWN", "opgrid", { instance }]);
}

test("dispatch", async (t) => {
  const grid = await startGrid(t, { instances });

  for (const [method, [service, call]] of Object.entries({ ...calls, ...botCalls })) {
    await t.test(`${method} refuses an unknown instance`, async () => {
      for (const name of ["nowhere", "Main", "main/nested", "dev/linux", "dev/linux/x64/", "ma\nin"]) {
        // Operation names have rules of their own, which come first.
        if (name === "ma\nin" && (service === "operations" || /Wait|Update|Event/.test(method))) continue;
        await assertUnknown(call(grid, name), name);
      }
    });

    await t.test(`${method} is UNIMPLEMENTED where its service is not enabled`, async () => {
      const instance = STORAGE.includes(service) ? "work" : "storage";
      const error = await refusal(call(grid, instance), Code.Unimplemented);
      const [info] = error.findDetails(ErrorInfoSchema);
      assert.equal(info?.reason, "SERVICE_NOT_ENABLED");
      assert.equal(info.metadata.instance, instance);
    });

    await t.test(`${method} reaches an instance whose name has slashes`, async () => {
      const expected: Record<string, Code> = {
        ...{ GetOperation: Code.NotFound, DeleteOperation: Code.NotFound, WaitOperation: Code.NotFound },
        ...{ CancelOperation: Code.InvalidArgument, WaitExecution: Code.NotFound, Execute: Code.FailedPrecondition },
        ...{ GetTree: Code.NotFound, SplitBlob: Code.Unimplemented, SpliceBlob: Code.Unimplemented },
        ...{ GetActionResult: Code.NotFound, UpdateActionResult: Code.InvalidArgument, Read: Code.NotFound },
        ...{ UpdateBotSession: Code.InvalidArgument, PostBotEventTemp: Code.Unimplemented },
      };
      const answered = call(grid, "dev/linux/x64");
      const code = expected[method];
      if (code === undefined) await answered;
      else {
        const error = await refusal(answered, code);
        assert.notEqual(error.findDetails(ErrorInfoSchema)[0]?.reason, "INSTANCE_UNKNOWN");
        assert.notEqual(error.findDetails(ErrorInfoSchema)[0]?.reason, "SERVICE_NOT_ENABLED");
      }
    });
  }

  for (const [method, [, call]] of Object.entries(calls)) {
    await t.test(`${method} does not know *, which has bots only`, () => assertUnknown(call(grid, "*"), "*"));
  }

  for (const [protocol, transport] of Object.entries(transports)) {
    await t.test(`unary calls and streams of each direction are dispatched by ${protocol}`, async () => {
      const operations = createClient(Operations, transport(grid.url));
      const execution = createClient(Execution, transport(grid.url));
      const byteStream = createClient(ByteStream, transport(grid.url));
      const get = (instance: string) => operations.getOperation({ name: `${instance}/${id}` });
      const wait = (instance: string) => execution.waitExecution({ name: `${instance}/${id}` });
      const write = (instance: string) => byteStream.write(once({ resourceName: upload(instance), data: blob }));
      for (const call of [get, wait, write]) await assertUnknown(call("nowhere"), "nowhere");
      await refusal(get("work"), Code.NotFound);
      await refusal(wait("work"), Code.NotFound);
      await refusal(write("work"), Code.Unimplemented);
    });
  }

  await t.test("a stream without a message is refused, and no fault of the server", async () => {
    const error = await refusal(grid.byteStream.write((async function* () {})()), Code.InvalidArgument);
    assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "NO_MESSAGE");
  });

  await t.test("an error does not say back more than headers can carry", async () => {
    const long = "é\n".repeat(100_000);
    const error = await refusal(grid.cas.findMissingBlobs({ instanceName: long }), Code.InvalidArgument);
    assert.ok(error.rawMessage.length < 1100);
    assert.ok((error.findDetails(ErrorInfoSchema)[0]?.metadata.instance?.length ?? 1e9) < 600);
    await grid.cas.findMissingBlobs({ instanceName: "main" });
  });

  await t.test("the nameless instance is called by <id>, /<id> and no prefix", async () => {
    await grid.put("", blob);
    for (const resourceName of [blobName(digest), `/${blobName(digest)}`]) {
      const parts = await Array.fromAsync(grid.byteStream.read({ resourceName }));
      assert.deepEqual(Buffer.concat(parts.map(({ data }) => data)), blob);
    }
    const watched = await grid.execute({ instanceName: "", actionDigest: await grid.action({ instanceName: "" }) });
    assert.match(watched.name, /^[0-9a-f-]{36}$/);
    for (const name of [watched.id, `/${watched.id}`]) {
      assert.equal((await grid.operations.getOperation({ name })).name, name);
    }
    const [listed] = (await grid.operations.listOperations({})).operations;
    assert.equal(listed?.name, watched.id);
    const bot = await openBot(grid.bots, { parent: "", botId: "nameless" });
    assert.match(bot.session.name, /^[0-9a-f-]{36}$/);
    await bot.complete((await bot.lease()).id);
    await watched.ended;
    const { name } = bot.session;
    const again = { ...describeBot({ botId: "nameless", status: 4 }), name: `/${name}` };
    assert.equal((await grid.bots.updateBotSession({ name: `/${name}`, botSession: again })).name, name);
  });

  await t.test("a list names its instance, with or without the word operations behind it", async () => {
    const { id: here } = await grid.execute({ instanceName: "dev/linux/x64", actionDigest: await actionThere(grid) });
    for (const name of ["dev/linux/x64", "dev/linux/x64/operations"]) {
      const { operations } = await grid.operations.listOperations({ name });
      assert.deepEqual(
        operations.map((operation) => operation.name),
        [`dev/linux/x64/${here}`],
      );
    }
    for (const name of ["main", "main/operations", "", "operations", "/operations"]) {
      assert.deepEqual((await grid.operations.listOperations({ name })).operations, [], name);
    }
    for (const name of ["mainoperations", "main/operations/", "main//operations", "operations/main"]) {
      await refusal(grid.operations.listOperations({ name }), Code.InvalidArgument);
    }
    await grid.operations.cancelOperation({ name: `dev/linux/x64/${here}` });
  });
});

const actionThere = (grid: Grid) => grid.action({ instanceName: "dev/linux/x64" });

test("bots of * serve every instance and their sessions are named by it", async (t) => {
  const grid = await startGrid(t, { instances });
  const bot = await openBot(grid.bots, { parent: "*" });
  assert.match(bot.session.name, /^\*\/[0-9a-f-]{36}$/);
  for (const instanceName of ["", "main", "dev/linux/x64"]) {
    const watched = await grid.execute({ instanceName, actionDigest: await grid.action({ instanceName }) });
    const lease = await bot.lease();
    assert.deepEqual(
      lease.requirements?.properties.map(({ key, value }) => [key, value]),
      [["opgrid.instance", instanceName]],
    );
    await bot.complete(lease.id);
    assert.equal(responseOf(await watched.ended).result?.exitCode, 0);
  }
});
