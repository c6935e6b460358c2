import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { describeBot, openBot } from "../services/bot.ts";
import { blobName, refusal, responseOf, startGrid, wireDigest } from "../services/grid.ts";

test("two instances share nothing", async (t) => {
  const grid = await startGrid(t, { instances: "a,a/b" });
  const { operations, cas, byteStream, actionCache } = grid;

  await t.test("no blob", async () => {
    const blob = Buffer.from("only in a");
    const digest = wireDigest(blob);
    await grid.put("a", blob);
    const missing = async (instanceName: string) =>
      (await cas.findMissingBlobs({ instanceName, blobDigests: [digest] })).missingBlobDigests.length;
    assert.deepEqual([await missing("a"), await missing("a/b")], [0, 1]);
    await refusal(byteStream.read({ resourceName: `a/b/${blobName(digest)}` }), Code.NotFound);
    const { responses } = await cas.batchReadBlobs({ instanceName: "a/b", digests: [digest] });
    assert.equal(responses[0]?.status?.code, Code.NotFound);
  });

  await t.test("no partial upload", async () => {
    const name = (instance: string) => `${instance}/uploads/one-id/${blobName(wireDigest("partial"))}`;
    await byteStream.write(
      (async function* () {
        yield { resourceName: name("a"), data: Buffer.from("par") };
      })(),
    );
    const held = async (instance: string) =>
      (await byteStream.queryWriteStatus({ resourceName: name(instance) })).committedSize;
    assert.deepEqual([await held("a"), await held("a/b")], [3n, 0n]);
  });

  await t.test("no action result", async () => {
    const actionDigest = wireDigest("an action");
    await actionCache.updateActionResult({ instanceName: "a", actionDigest, actionResult: { exitCode: 7 } });
    assert.equal((await actionCache.getActionResult({ instanceName: "a", actionDigest })).exitCode, 7);
    await refusal(actionCache.getActionResult({ instanceName: "a/b", actionDigest }), Code.NotFound);
  });

  await t.test("no operation", async () => {
    const watched = await grid.execute({ instanceName: "a", actionDigest: await grid.action({ instanceName: "a" }) });
    const name = `a/b/${watched.id}`;
    await refusal(operations.getOperation({ name }), Code.NotFound);
    await refusal(operations.waitOperation({ name }), Code.NotFound);
    await refusal(operations.deleteOperation({ name }), Code.NotFound);
    await refusal(operations.cancelOperation({ name }), Code.InvalidArgument);
    await refusal(grid.execution.waitExecution({ name }), Code.NotFound);
    assert.deepEqual((await operations.listOperations({ name: "a/b" })).operations, []);
    assert.equal((await operations.getOperation({ name: watched.name })).done, false);
    await operations.cancelOperation({ name: watched.name });
  });

  await t.test("no page token", async () => {
    for (const argv of ["x", "y"]) {
      await grid.execute({ instanceName: "a", actionDigest: await grid.action({ instanceName: "a", argv: [argv] }) });
    }
    const { nextPageToken: pageToken } = await operations.listOperations({ name: "a", pageSize: 1 });
    assert.notEqual(pageToken, "");
    await refusal(operations.listOperations({ name: "a/b", pageSize: 1, pageToken }), Code.InvalidArgument);
  });

  await t.test("no bot, no job and no bot session", async () => {
    const argv = ["the same in both"];
    const [here, there] = await Promise.all(
      ["a", "a/b"].map(async (instanceName) => {
        const actionDigest = await grid.action({ instanceName, argv, action: { salt: Buffer.from("bots") } });
        return grid.execute({ instanceName, actionDigest });
      }),
    );
    assert.ok(here && there);
    const bot = await openBot(grid.bots, { parent: "a/b" });
    const lease = await bot.lease();
    await bot.complete(lease.id, { exitCode: 3 });
    assert.equal(responseOf(await there.ended).result?.exitCode, 3);
    assert.equal((await operations.getOperation({ name: here.name })).done, false);
    const foreign = { ...describeBot(), name: "" };
    const name = bot.session.name.replace("a/b/", "a/");
    await refusal(grid.bots.updateBotSession({ name, botSession: foreign }), Code.InvalidArgument);
  });
});
