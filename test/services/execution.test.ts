import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Code, createClient } from "@connectrpc/connect";
import {
  ActionResultSchema,
  ActionSchema,
  DirectorySchema,
  ExecuteRequestSchema,
  Execution,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { BadRequestSchema, ErrorInfoSchema, PreconditionFailureSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { Stage } from "../../src/operations/operations.ts";
import { transports } from "../helpers/start-server.ts";
import { envelope, http2Session, rawGrpc } from "../server/clients.ts";
import { openBot } from "./bot.ts";
import {
  blobName,
  encode,
  metadataOf,
  refusal,
  responseOf,
  startGrid,
  uniqueText,
  type WireDigest,
  watched,
  wireDigest,
} from "./grid.ts";

const instanceName = "main";

test("execution", async (t) => {
  const grid = await startGrid(t);
  const { execution } = grid;

  for (const [protocol, transport] of Object.entries(transports)) {
    await t.test(`goes through its stages and ends with the response by ${protocol}`, async () => {
      const client = createClient(Execution, transport(grid.url));
      const actionDigest = await grid.action();
      const operation = await watched(client.execute({ instanceName, actionDigest }));
      assert.match(operation.name, /^main\/[0-9a-f-]{36}$/);
      const other = await watched(client.waitExecution({ name: operation.name }));
      const bot = await openBot(grid.bots);
      const { id } = await bot.lease();
      const stdoutRaw = Buffer.from("out");
      const result = create(ActionResultSchema, { exitCode: 1, stdoutRaw });
      await bot.complete(id, { status: { code: 0 }, result: anyPack(ActionResultSchema, result) });
      const last = await operation.ended;
      assert.deepEqual(operation.stages(), [Stage.QUEUED, Stage.EXECUTING, Stage.COMPLETED]);
      assert.deepEqual(await other.ended, last);
      assert.ok(operation.messages.slice(0, -1).every(({ done, result: { case: kind } }) => !done && !kind));
      const response = responseOf(last);
      assert.deepEqual([response.cachedResult, response.status?.code ?? 0], [false, 0]);
      assert.deepEqual([response.result?.exitCode, Buffer.from(response.result?.stdoutRaw ?? [])], [1, stdoutRaw]);
      const { executionMetadata } = response.result ?? {};
      assert.equal(executionMetadata?.worker, "bot");
      const queued = executionMetadata?.queuedTimestamp;
      assert.deepEqual(queued, metadataOf(last).partialExecutionMetadata?.queuedTimestamp);
      assert.ok(queued && Math.abs(Number(queued.seconds) - Date.now() / 1000) < 30);
      assert.deepEqual(metadataOf(last).actionDigest?.hash, actionDigest.hash);
      await bot.leave();
    });
  }

  await t.test("answers from the action cache at once, and not when it is told to skip it", async () => {
    const actionDigest = await grid.action();
    const actionResult = { exitCode: 0, stdoutRaw: Buffer.from("cached") };
    await grid.actionCache.updateActionResult({ instanceName, actionDigest, actionResult });
    const hit = await grid.execute({ instanceName, actionDigest });
    const response = responseOf(await hit.ended);
    assert.equal(hit.messages.length, 1);
    assert.deepEqual([response.cachedResult, `${Buffer.from(response.result?.stdoutRaw ?? [])}`], [true, "cached"]);
    const miss = await grid.execute({ instanceName, actionDigest, skipCacheLookup: true });
    assert.deepEqual(miss.stages(), [Stage.QUEUED]);
    const bot = await openBot(grid.bots);
    await bot.complete((await bot.lease()).id);
    assert.equal(responseOf(await miss.ended).cachedResult, false);
    const after = await grid.execute({ instanceName, actionDigest });
    assert.equal(responseOf(await after.ended).result?.stdoutRaw.length, 0, "what ran took the place of what was kept");
    await bot.leave();
  });

  await t.test("neither looks up nor keeps nor merges an action that must not be cached", async () => {
    const actionDigest = await grid.action({ action: { doNotCache: true } });
    await grid.actionCache.updateActionResult({ instanceName, actionDigest, actionResult: { exitCode: 0 } });
    const both = [
      await grid.execute({ instanceName, actionDigest }),
      await grid.execute({ instanceName, actionDigest }),
    ];
    const bot = await openBot(grid.bots, { capacity: "2" });
    assert.equal(bot.session.leases.length, 2);
    const exitCodes = [10, 11];
    for (const [index, { id }] of bot.session.leases.entries()) {
      await bot.complete(id, { exitCode: exitCodes[index] ?? 0 });
    }
    const codes = await Promise.all(both.map(async ({ ended }) => responseOf(await ended).result?.exitCode));
    assert.deepEqual(codes.sort(), exitCodes);
    const kept = await grid.actionCache.getActionResult({ instanceName, actionDigest });
    assert.equal(kept.exitCode, 0, "the client's own entry is untouched");
    await bot.leave();
  });

  await t.test("merges equal actions, and runs a smaller priority value first", async () => {
    const [low, high] = [await grid.action(), await grid.action()];
    const first = await grid.execute({ instanceName, actionDigest: low, executionPolicy: { priority: 100 } });
    const second = await grid.execute({ instanceName, actionDigest: high, executionPolicy: { priority: -5 } });
    const merged = await grid.execute({ instanceName, actionDigest: low, skipCacheLookup: true });
    assert.notEqual(merged.name, first.name);
    const bot = await openBot(grid.bots);
    await bot.complete((await bot.lease()).id, { exitCode: 2 });
    assert.equal(responseOf(await second.ended).result?.exitCode, 2);
    assert.equal((await grid.operations.getOperation({ name: first.name })).done, false);
    await bot.complete((await bot.lease()).id, { exitCode: 3 });
    for (const { ended } of [first, merged]) assert.equal(responseOf(await ended).result?.exitCode, 3);
    await bot.leave();
  });

  await t.test("a failed command is not kept in the cache, a successful one is", async () => {
    const bot = await openBot(grid.bots);
    for (const [exitCode, cached] of [
      [1, false],
      [0, true],
    ] as const) {
      const actionDigest = await grid.action();
      const { ended } = await grid.execute({ instanceName, actionDigest });
      await bot.complete((await bot.lease()).id, { exitCode });
      await ended;
      const kept = grid.actionCache.getActionResult({ instanceName, actionDigest });
      if (cached) assert.equal((await kept).exitCode, 0);
      else await refusal(kept, Code.NotFound);
    }
    await bot.leave();
  });

  await t.test("what the bot says of a failed action is the status of the response", async () => {
    const { ended } = await grid.execute({ instanceName, actionDigest: await grid.action() });
    const bot = await openBot(grid.bots);
    const status = { code: Code.DeadlineExceeded, message: "took 10 s" };
    await bot.complete((await bot.lease()).id, { status });
    const response = responseOf(await ended);
    assert.deepEqual([response.status?.code, response.status?.message], [status.code, status.message]);
    await bot.leave();
  });

  await t.test("WaitExecution answers NOT_FOUND for what is not there", async () => {
    const unknown = execution.waitExecution({ name: "main/01900000-0000-7000-8000-000000000000" });
    await refusal(unknown, Code.NotFound);
  });
});

test("execution refuses", async (t) => {
  const grid = await startGrid(t);
  const { execution } = grid;
  const empty = wireDigest("");

  async function missingOf(actionDigest: WireDigest): Promise<string[]> {
    const error = await refusal(execution.execute({ instanceName, actionDigest }), Code.FailedPrecondition);
    const violations = error.findDetails(PreconditionFailureSchema)[0]?.violations ?? [];
    assert.ok(violations.every(({ type }) => type === "MISSING"));
    return violations.map(({ subject }) => subject);
  }

  await t.test("an action whose blobs are missing, and names them", async () => {
    const [command, file, child] = ["command", "file", "child"].map((what) => wireDigest(what + uniqueText()));
    assert.ok(command && file && child);
    const action = wireDigest(uniqueText());
    assert.deepEqual(await missingOf(action), [blobName(action)]);
    const noCommand = encode(ActionSchema, { commandDigest: command, inputRootDigest: empty });
    await grid.put(instanceName, noCommand);
    assert.deepEqual(await missingOf(wireDigest(noCommand)), [blobName(command)]);
    const root = wireDigest(uniqueText());
    assert.deepEqual(await missingOf(await grid.action({ action: { inputRootDigest: root } })), [blobName(root)]);
    const partial = encode(DirectorySchema, {
      files: [{ name: "file", digest: file }],
      directories: [{ name: "child", digest: child }],
    });
    await grid.put(instanceName, partial);
    const found = await missingOf(await grid.action({ action: { inputRootDigest: wireDigest(partial) } }));
    assert.deepEqual(found.sort(), [blobName(file), blobName(child)].sort());
  });

  await t.test("many missing blobs with as many names as fit into the trailers that clients take", async () => {
    const files = Array.from({ length: 100 }, (_, index) => ({
      name: `${index}`.padStart(3, "0"),
      digest: { hash: wireDigest(`${index}`).hash, sizeBytes: 9_000_000_000n + BigInt(index) },
    }));
    const root = encode(DirectorySchema, { files });
    await grid.put(instanceName, root);
    const actionDigest = await grid.action({ action: { inputRootDigest: wireDigest(root) } });
    const named = await missingOf(actionDigest);
    assert.equal(named.length, 32);
    const all = new Set(files.map(({ digest }) => blobName(digest)));
    assert.ok(named.every((name) => all.has(name)));
    const request = envelope(encode(ExecuteRequestSchema, { instanceName, actionDigest }));
    const session = http2Session(t, grid.url);
    const { header, trailer } = await rawGrpc(session, "/build.bazel.remote.execution.v2.Execution/Execute", request);
    const sizes = Object.entries({ ...header, ...trailer }).map(
      ([name, value]) => name.length + `${value}`.length + 32,
    );
    assert.ok(sizes.reduce((sum, size) => sum + size) < 8192, "grpc-java takes 8 KiB");
    assert.match(`${trailer["grpc-message"]}`, /97 more .*68 of them not listed/);
  });

  const timeout = (seconds: bigint) => grid.action({ action: { timeout: { seconds } } });
  for (const [what, field, actionOf] of [
    ["a timeout above the limit", "action.timeout", () => timeout(7201n)],
    ["a negative timeout", "action.timeout", () => timeout(-1n)],
    ["no digest", "action_digest", () => undefined],
    ["a digest of another length", "action_digest", () => ({ hash: "ab", sizeBytes: 1n })],
    ["a digest in upper case", "action_digest", () => ({ hash: "A".repeat(64), sizeBytes: 1n })],
    ["a digest of a negative size", "action_digest", () => ({ hash: "a".repeat(64), sizeBytes: -1n })],
    ["an action without a command", "action.command_digest", () => bare({ inputRootDigest: empty })],
    ["an action without an input root", "action.input_root_digest", () => bare({ commandDigest: empty })],
  ] as const) {
    await t.test(what, async () => {
      const actionDigest = await actionOf();
      const call = execution.execute({ instanceName, ...(actionDigest && { actionDigest }) });
      const error = await refusal(call, Code.InvalidArgument);
      assert.equal(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field, field);
    });
  }

  async function bare(action: { commandDigest?: WireDigest; inputRootDigest?: WireDigest }) {
    const bytes = encode(ActionSchema, action);
    await grid.put(instanceName, bytes);
    return wireDigest(bytes);
  }

  await t.test("blobs that are not the messages that they should be", async () => {
    const garbage = Buffer.from([0xff, 0xff, 0xff]);
    await grid.put(instanceName, garbage);
    for (const actionDigest of [
      wireDigest(garbage),
      await grid.action({ action: { commandDigest: wireDigest(garbage) } }),
      await grid.action({ action: { inputRootDigest: wireDigest(garbage) } }),
    ]) {
      const error = await refusal(execution.execute({ instanceName, actionDigest }), Code.InvalidArgument);
      assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "MALFORMED_MESSAGE");
    }
  });

  await t.test("an input root with bad names in it", async () => {
    for (const name of ["", ".", "..", "a/b", "a\0b"]) {
      const root = encode(DirectorySchema, { files: [{ name, digest: empty }] });
      await grid.put(instanceName, root);
      const actionDigest = await grid.action({ action: { inputRootDigest: wireDigest(root) } });
      const error = await refusal(execution.execute({ instanceName, actionDigest }), Code.InvalidArgument);
      assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "MALFORMED_DIRECTORY", JSON.stringify(name));
    }
  });

  await t.test("priorities and digest functions that it does not advertise", async () => {
    const actionDigest = await grid.action();
    for (const [request, field] of [
      [{ executionPolicy: { priority: 1001 } }, "execution_policy.priority"],
      [{ executionPolicy: { priority: -1001 } }, "execution_policy.priority"],
      [{ digestFunction: 9 }, "digest_function"],
    ] as const) {
      const call = execution.execute({ instanceName, actionDigest, ...request });
      const error = await refusal(call, Code.InvalidArgument);
      assert.equal(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field, field);
    }
  });

  await t.test("and records nothing of what it refused", async () => {
    const { operations } = await grid.operations.listOperations({ name: instanceName, filter: "sort_order=name" });
    assert.deepEqual(operations, []);
  });
});
