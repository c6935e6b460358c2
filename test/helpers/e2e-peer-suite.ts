import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type Submitted, submit, submitter } from "./e2e-actions.ts";
import type { Peer, PeerOperation } from "./e2e-peer.ts";
import { eventually, sleepers, uniqueSeconds } from "./e2e-processes.ts";

const metadataType = "type.googleapis.com/build.bazel.remote.execution.v2.ExecuteOperationMetadata";
const responseType = "type.googleapis.com/build.bazel.remote.execution.v2.ExecuteResponse";
const code = { cancelled: 1, invalidArgument: 3, notFound: 5 };

/** Lists, gets, waits for and cancels real operations with a foreign client, as subtests. Takes the server's two bots. */
export async function exercisePeer(t: TestContext, url: string, peer: Peer): Promise<void> {
  using clients = connect(url);
  const directory = mkdtempSync(join(tmpdir(), "opgrid-gate-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const gate = join(directory, "gate");
  const seconds = uniqueSeconds();

  const finished = await submit(clients, "echo", "done");
  await eventually("the first action is done", 20_000, async () => {
    return (await clients.operations.getOperation({ name: finished.name })).done;
  });
  const waiting = await submit(clients, "sh", "-c", `until [ -e ${gate} ]; do sleep 0.05; done`);
  const endless = await submit(clients, "sleep", seconds);
  const failed: string[] = [];
  const step = (title: string, run: () => Promise<void>) =>
    t.test(title, () =>
      run().catch((error) => {
        failed.push(title);
        throw error;
      }),
    );
  const running = (list: readonly PeerOperation[]) =>
    [waiting, endless].every(({ name }) => list.some((each) => each.name === name && each.stage === "EXECUTING"));

  await step("lists what runs, and what is done when asked for it", async () => {
    const live = await eventually("both actions run", 20_000, async () => {
      const list = await peer.list("");
      return running(list) && list;
    });
    assertOperation(named(live, waiting), waiting, { done: false, stage: "EXECUTING" });
    assert.equal(named(live, finished), undefined, "the default filter shows what is not completed");
    const completed = await peer.list("stage=COMPLETED");
    assertOperation(named(completed, finished), finished, success);
    assert.equal(named(completed, endless), undefined);
  });

  await step("gets an operation, and NOT_FOUND for a missing one", async () => {
    assertOperation(await peer.get(finished.name), finished, success);
    await assert.rejects(peer.get("main/00000000-0000-7000-8000-000000000000"), { code: code.notFound });
    await assert.rejects(peer.get("nowhere/00000000-0000-7000-8000-000000000000"), { code: code.invalidArgument });
    if (peer.tool) assert.deepEqual(await peer.tool(finished.name), submitter);
  });

  await step("waits until the operation is done", async () => {
    if (!peer.waitsByPolling) assert.equal((await peer.wait(waiting.name, 200)).done, false);
    const done = peer.wait(waiting.name);
    assert.equal(await Promise.race([done, sleep(300, "still waiting")]), "still waiting");
    writeFileSync(gate, "");
    assertOperation(await done, waiting, success);
  });

  await step("cancels an operation, and its process ends", async () => {
    assert.notEqual(sleepers(seconds).length, 0);
    await peer.cancel(endless.name);
    const cancelled = { done: true, stage: "COMPLETED", errorCode: code.cancelled };
    assertOperation(await peer.get(endless.name), endless, cancelled);
    await eventually("the process has ended", 10_000, () => sleepers(seconds).length === 0);
    await peer.cancel(endless.name);
  });
  // Otherwise the test itself would count as passed, and its hooks could not tell.
  assert.deepEqual(failed, []);
}

const success = { done: true, stage: "COMPLETED", responseType };

function assertOperation(
  actual: PeerOperation | undefined,
  { name }: Submitted,
  state: Pick<PeerOperation, "done" | "stage" | "responseType" | "errorCode">,
): void {
  const blank = { responseType: undefined, errorCode: undefined };
  assert.deepEqual({ ...blank, ...actual }, { ...blank, name, metadataType, ...state });
}

function named(list: readonly PeerOperation[], { name }: Submitted): PeerOperation | undefined {
  return list.find((each) => each.name === name);
}
