import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, encodeBinaryHeader } from "@connectrpc/connect";
import { ExecutedActionMetadataSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { LeaseState } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import { RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { Stage } from "../../src/operations/operations.ts";
import { until } from "../helpers/until.ts";
import { openBot } from "./bot.ts";
import { metadataOf, refusal, responseOf, startGrid, temporaryDirectory, watched } from "./grid.ts";

const instanceName = "main";
/** Jobs return to the queue and clients are lost on purpose here, which the log has a word for. */
const expected = /^attempt failed$/;

test("repeats the state of a silent stream, and sends each change once", async (t) => {
  const grid = await startGrid(t, { "execution-keep-alive": "100ms" });
  const operation = await grid.execute({ instanceName, actionDigest: await grid.action() });
  await until(() => operation.messages.length >= 3, "the state to be repeated");
  assert.deepEqual(operation.messages[2], operation.messages[0]);
  await grid.operations.cancelOperation({ name: operation.name });
  await operation.ended;
  assert.deepEqual(operation.stages(), [Stage.QUEUED, Stage.COMPLETED]);
  assert.equal(operation.messages.filter(({ done }) => done).length, 1);
});

test("pushes a change of stage, the bot's progress and a return to the queue", async (t) => {
  const grid = await startGrid(t, {}, { expected });
  const operation = await grid.execute({ instanceName, actionDigest: await grid.action() });
  const bot = await openBot(grid.bots);
  const { id } = await bot.lease();
  await until(() => operation.stages().at(-1) === Stage.EXECUTING, "the stage to be sent");
  const workerStartTimestamp = timestampFromMs(1_700_000_000_000);
  const progress = create(ExecutedActionMetadataSchema, { worker: "somebody else", workerStartTimestamp });
  const header = `partial-execution-metadata-${id}-bin`;
  const headers = { [header]: encodeBinaryHeader(progress, ExecutedActionMetadataSchema) };
  await bot.update([{ id, state: LeaseState.ACTIVE }], { headers });
  const soFar = () => operation.messages.map((each) => metadataOf(each).partialExecutionMetadata).at(-1);
  await until(() => soFar()?.workerStartTimestamp?.seconds === 1_700_000_000n, "the progress to be sent");
  assert.equal(soFar()?.worker, "bot");
  const polled = await grid.operations.getOperation({ name: operation.name });
  assert.deepEqual(metadataOf(polled).partialExecutionMetadata, soFar());
  await bot.update([{ id, state: LeaseState.ACTIVE }], { headers: { [header]: "not base64!" } });
  await bot.complete(id, { status: { code: Code.Unavailable, message: "my disk is full" } });
  await until(() => operation.messages.length >= 5, "the next attempt to be sent");
  const { id: again } = await bot.lease();
  assert.equal(again, id);
  await bot.complete(id);
  await operation.ended;
  const { QUEUED, EXECUTING, COMPLETED } = Stage;
  const stages = operation.stages();
  // The job may be handed out again before its return to the queue is read.
  assert.deepEqual([stages[0], stages[1], stages.at(-1)], [QUEUED, EXECUTING, COMPLETED]);
});

test("gives an action up after its attempts", async (t) => {
  const grid = await startGrid(t, { "execution-max-attempts": "2" }, { expected });
  const operation = await grid.execute({ instanceName, actionDigest: await grid.action() });
  const bot = await openBot(grid.bots);
  for (const message of ["first", "second"]) {
    const { id } = await bot.lease();
    await bot.complete(id, { status: { code: Code.Internal, message } });
  }
  const { status } = responseOf(await operation.ended);
  assert.equal(status?.code, Code.Aborted);
  assert.match(status.message, /2 attempts.*second/);
});

test("cancels what nobody follows after the grace time, not what is followed again, polled or watched by another", async (t) => {
  const grid = await startGrid(t, { "execution-orphan-grace": "300ms" });
  const execute = async () => grid.execute({ instanceName, actionDigest: await grid.action() });
  const [abandoned, resumed, polled, shared] = [await execute(), await execute(), await execute(), await execute()];
  const other = await watched(grid.execution.waitExecution({ name: shared.name }));
  for (const { drop } of [abandoned, resumed, polled, shared]) drop();
  for (const { ended } of [abandoned, resumed, polled, shared]) await refusal(ended, Code.Canceled);
  const again = await watched(grid.execution.waitExecution({ name: resumed.name }));
  const get = async (name: string) => grid.operations.getOperation({ name });
  await get(polled.name);
  const list = async () => {
    const { operations } = await grid.operations.listOperations({ name: instanceName });
    return operations.map(({ name }) => name);
  };
  await until(async () => !(await list()).includes(abandoned.name), "the orphan to be cancelled");
  await delay(350);
  assert.deepEqual((await list()).sort(), [resumed.name, polled.name, shared.name].sort());
  const { result } = await get(abandoned.name);
  assert.ok(result.case === "error" && result.value.code === Code.Canceled);
  for (const { name } of [resumed, polled, shared]) await grid.operations.cancelOperation({ name });
  assert.equal(responseOf(await again.ended).status?.code, Code.Canceled);
  assert.equal(responseOf(await other.ended).status?.code, Code.Canceled);
});

test("takes a job from its bot when the last operation was abandoned", async (t) => {
  const grid = await startGrid(t, { "execution-orphan-grace": "100ms" });
  const operation = await grid.execute({ instanceName, actionDigest: await grid.action() });
  const bot = await openBot(grid.bots);
  const { id } = await bot.lease();
  operation.drop();
  await refusal(operation.ended, Code.Canceled);
  const report = [{ id, state: LeaseState.ACTIVE }];
  await until(async () => (await bot.update(report)).leases.length === 0, "the lease to be taken back");
});

test("ends a stream at the client's deadline, and the operation goes on", async (t) => {
  const grid = await startGrid(t);
  const actionDigest = await grid.action();
  const stream = grid.execution.execute({ instanceName, actionDigest }, { timeoutMs: 300 });
  const operation = await watched(stream);
  await refusal(operation.ended, Code.DeadlineExceeded);
  const again = await watched(grid.execution.waitExecution({ name: operation.name }));
  assert.deepEqual(again.stages(), [Stage.QUEUED]);
  await grid.operations.cancelOperation({ name: again.name });
  await again.ended;
});

test("a restart ends streams with UNAVAILABLE, and WaitExecution and bots go on after it", async (t) => {
  const dataDir = await temporaryDirectory(t);
  const before = await startGrid(t, { "data-dir": dataDir });
  const running = await before.execute({ instanceName, actionDigest: await before.action() });
  const bot = await openBot(before.bots);
  const { id } = await bot.lease();
  const queued = await before.execute({ instanceName, actionDigest: await before.action() });
  const { session } = bot;
  await before.app.close();
  for (const { ended } of [running, queued]) {
    const error = await refusal(ended, Code.Unavailable);
    assert.ok(error.findDetails(RetryInfoSchema)[0]?.retryDelay);
  }
  const grid = await startGrid(t, { "data-dir": dataDir });
  const resumed = await watched(grid.execution.waitExecution({ name: running.name }));
  assert.deepEqual(resumed.stages(), [Stage.EXECUTING]);
  const waiting = await watched(grid.execution.waitExecution({ name: queued.name }));
  assert.deepEqual(waiting.stages(), [Stage.QUEUED]);
  const { name, botId, status } = session;
  const lease = { id, state: LeaseState.COMPLETED, status: { code: Code.InvalidArgument, message: "no such tool" } };
  const next = await grid.bots.updateBotSession({ name, botSession: { name, botId, status, leases: [lease] } });
  assert.equal(responseOf(await resumed.ended).status?.message, "no such tool");
  assert.equal(next.leases.length, 1, "the same reply has the next job");
  await grid.operations.cancelOperation({ name: waiting.name });
  await waiting.ended;
});
