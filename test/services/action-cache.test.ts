import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import {
  type ActionResultSchema,
  DirectorySchema,
  TreeSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { BadRequestSchema, ErrorInfoSchema, ResourceInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { openBot } from "./bot.ts";
import { encode, refusal, removeBlob, startGrid, uniqueText, wireDigest } from "./grid.ts";

const instanceName = "main";

test("the action cache", async (t) => {
  const grid = await startGrid(t, {}, { expected: /^the file of a blob is missing/ });
  const { actionCache } = grid;
  const get = (actionDigest: { hash: string; sizeBytes: bigint }) =>
    actionCache.getActionResult({ instanceName, actionDigest });

  async function update(actionResult: MessageInitShape<typeof ActionResultSchema>) {
    const actionDigest = wireDigest(uniqueText());
    await actionCache.updateActionResult({ instanceName, actionDigest, actionResult });
    return actionDigest;
  }

  await t.test("answers NOT_FOUND, with the action's name, for what it does not have", async () => {
    const { hash, sizeBytes } = wireDigest(uniqueText());
    const error = await refusal(get({ hash, sizeBytes }), Code.NotFound);
    const [info] = error.findDetails(ResourceInfoSchema);
    assert.deepEqual([info?.resourceType, info?.resourceName], ["action result", `${hash}/${sizeBytes}`]);
  });

  await t.test("keeps the last result that it was given", async () => {
    const actionDigest = await update({ exitCode: 1 });
    assert.equal((await get(actionDigest)).exitCode, 1);
    const replaced = await actionCache.updateActionResult({
      ...{ instanceName, actionDigest },
      actionResult: { exitCode: 2, stdoutRaw: Buffer.from("again") },
    });
    assert.equal(replaced.exitCode, 2);
    assert.deepEqual(await get(actionDigest), replaced);
  });

  const file = Buffer.from("an output");
  const tree = encode(TreeSchema, { root: { files: [{ name: "file", digest: wireDigest(file) }] } });
  const treeOf = (content: string) =>
    encode(TreeSchema, { children: [{ files: [{ name: "f", digest: wireDigest(content) }] }] });
  const directory = encode(DirectorySchema, { files: [{ name: "gone", digest: wireDigest("not here") }] });
  const broken = treeOf("not here either");

  await t.test("answers only while all that a result refers to is here", async () => {
    await grid.put(instanceName, file, tree, directory, broken);
    const here = { path: "file", digest: wireDigest(file) };
    const whole = await update({
      ...{ outputFiles: [here], stdoutDigest: wireDigest(file), stderrDigest: wireDigest("") },
      outputDirectories: [{ path: "d", treeDigest: wireDigest(tree) }],
      outputSymlinks: [{ path: "s", target: "nowhere" }],
    });
    assert.equal((await get(whole)).outputFiles.length, 1);
    const gone = wireDigest("gone");
    for (const actionResult of [
      { outputFiles: [here, { path: "gone", digest: gone }] },
      { stdoutDigest: gone },
      { stderrDigest: gone },
      { outputDirectories: [{ path: "d", treeDigest: gone }] },
      { outputDirectories: [{ path: "d", treeDigest: wireDigest(broken) }] },
      { outputDirectories: [{ path: "d", rootDirectoryDigest: wireDigest(directory) }] },
    ]) {
      await refusal(get(await update(actionResult)), Code.NotFound);
    }
  });

  await t.test("forgets a result when a blob of it has vanished, also from the disk", async () => {
    const output = Buffer.from("x".repeat(100_000));
    await grid.put(instanceName, output);
    const digest = wireDigest(output);
    const actionDigest = await update({ outputFiles: [{ path: "file", digest }] });
    assert.equal((await get(actionDigest)).exitCode, 0);
    await removeBlob(grid.dataDir, digest.hash);
    await refusal(grid.byteStream.read({ resourceName: `main/blobs/${digest.hash}/100000` }), Code.NotFound);
    await refusal(get(actionDigest), Code.NotFound);
    await grid.put(instanceName, output);
    await refusal(get(actionDigest), Code.NotFound);
  });

  await t.test("refuses what names no action, says no result or cannot be shown", async () => {
    const actionDigest = wireDigest(uniqueText());
    const late = { executionMetadata: { queuedTimestamp: { seconds: 2n ** 50n } } };
    const typeUrl = "type.googleapis.com/build.bazel.remote.execution.v2.Digest";
    const garbage = { executionMetadata: { auxiliaryMetadata: [{ typeUrl, value: new Uint8Array([0xff]) }] } };
    for (const [request, field] of [
      [{ actionResult: {} }, "action_digest"],
      [{ actionDigest: { hash: "x", sizeBytes: 1n }, actionResult: {} }, "action_digest"],
      [{ actionDigest }, "action_result"],
      [{ actionDigest, actionResult: late }, "action_result"],
      [{ actionDigest, actionResult: garbage }, "action_result"],
      [{ actionDigest, actionResult: {}, digestFunction: 9 }, "digest_function"],
    ] as const) {
      const call = actionCache.updateActionResult({ instanceName, ...request } as never);
      const error = await refusal(call, Code.InvalidArgument);
      assert.equal(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field, field);
    }
    await refusal(get(actionDigest), Code.NotFound);
    await refusal(actionCache.getActionResult({ instanceName }), Code.InvalidArgument);
  });
});

test("clients may not write the action cache where the configuration says so, bots may", async (t) => {
  const grid = await startGrid(t, { "action-cache-update-enabled": "false" });
  const request = { instanceName, actionDigest: wireDigest("action"), actionResult: {} };
  const error = await refusal(grid.actionCache.updateActionResult(request), Code.Unimplemented);
  assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "UPDATES_NOT_ENABLED");
  const actionDigest = await grid.action();
  const { ended } = await grid.execute({ instanceName, actionDigest });
  const bot = await openBot(grid.bots);
  await bot.complete((await bot.lease()).id);
  await ended;
  assert.equal((await grid.actionCache.getActionResult({ instanceName, actionDigest })).exitCode, 0);
});
