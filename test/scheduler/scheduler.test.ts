import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "../../src/base/errors.ts";
import { type OperationRecord, Stage } from "../../src/operations/operations.ts";
import { until } from "../helpers/until.ts";
import { bot, finished, job, now, responseOf, startFarm, stateOf } from "./farm.ts";

test("a job waits, runs and completes, and its watcher sees each stage once", async (t) => {
  const farm = await startFarm(t);
  const operation = await farm.scheduler.submit("main", job("a"));
  const stages: number[] = [];
  const watching = (async () => {
    const signal = new AbortController().signal;
    for await (const state of farm.scheduler.watch(operation, { signal, keepAliveMs: 1e6 })) stages.push(state.stage);
  })();
  await farm.clock.advance(1);
  const session = await farm.scheduler.openSession("main", bot("b1"));
  const lease = session.leases[0];
  assert.ok(lease);
  await farm.clock.advance(1);
  await farm.scheduler.updateSession(session.name, bot("b1", { leases: [finished(lease.id)] }), now);
  await watching;
  assert.deepEqual(stages, [Stage.QUEUED, Stage.EXECUTING, Stage.COMPLETED]);
  const end = await stateOf(farm, operation);
  assert.equal(responseOf(end).result?.executionMetadata?.worker, "b1");
  assert.ok(responseOf(end).result?.executionMetadata?.queuedTimestamp);
});

test("equal cacheable actions share one job, and its end ends all operations", async (t) => {
  const farm = await startFarm(t);
  const first = await farm.scheduler.submit("main", job("a"));
  const second = await farm.scheduler.submit("main", job("a"));
  const elsewhere = await farm.scheduler.submit("other", job("a"));
  const alone = await farm.scheduler.submit("main", job("a", { cacheable: false }));
  assert.equal(second.job.id, first.job.id);
  assert.equal(new Set([first, elsewhere, alone].map((operation) => operation.job.id)).size, 3);
  const session = await farm.scheduler.openSession("main", bot("b1"));
  const leases = [finished(first.job.id)];
  await farm.scheduler.updateSession(session.name, bot("b1", { leases }), now);
  assert.equal((await stateOf(farm, first)).stage, Stage.COMPLETED);
  assert.equal((await stateOf(farm, second)).stage, Stage.COMPLETED);
  assert.equal((await stateOf(farm, elsewhere)).stage, Stage.QUEUED);
});

test("a merged job takes over the more urgent priority", async (t) => {
  const farm = await startFarm(t);
  const slow = await farm.scheduler.submit("main", job("a", { priority: 5 }));
  await farm.scheduler.submit("main", job("b", { priority: 3 }));
  await farm.scheduler.submit("main", job("a", { priority: 1 }));
  const session = await farm.scheduler.openSession("main", bot("b1"));
  assert.deepEqual(
    session.leases.map((lease) => lease.id),
    [slow.job.id],
  );
});

test("smaller priority values run first, equal ones in the order of their coming", async (t) => {
  const farm = await startFarm(t);
  const submitted: OperationRecord[] = [];
  for (const priority of [0, 5, -5, 0]) {
    submitted.push(await farm.scheduler.submit("main", job(`p${submitted.length}`, { priority })));
    await farm.clock.advance(1);
  }
  const session = await farm.scheduler.openSession("main", bot("b1", { capacity: 10 }));
  const expected = [2, 0, 3, 1].map((index) => submitted[index]?.job.id);
  assert.deepEqual(
    session.leases.map((lease) => lease.id),
    expected,
  );
});

test("cancelling one of two operations leaves the job to the other; cancelling the last ends the job", async (t) => {
  const farm = await startFarm(t);
  const first = await farm.scheduler.submit("main", job("a"));
  const second = await farm.scheduler.submit("main", job("a"));
  const session = await farm.scheduler.openSession("main", bot("b1"));
  assert.equal(await farm.scheduler.cancel(first), true);
  assert.equal((await stateOf(farm, first)).cancelled, true);
  assert.equal((await stateOf(farm, second)).stage, Stage.EXECUTING);
  assert.equal(await farm.scheduler.cancel(second), true);
  const end = await stateOf(farm, second);
  assert.equal(end.job.outcome?.statusCode, Code.Canceled);
  const told = await farm.scheduler.updateSession(session.name, bot("b1"), now);
  assert.deepEqual(told.leases, []);
});

test("a cancelled or completed operation stays as it is when cancelled again", async (t) => {
  const farm = await startFarm(t);
  const operation = await farm.scheduler.submit("main", job("a"));
  await farm.scheduler.cancel(operation);
  const before = await stateOf(farm, operation);
  await farm.clock.advance(1000);
  assert.equal(await farm.scheduler.cancel(operation), true);
  assert.deepEqual(await stateOf(farm, operation), before);
  assert.equal(await farm.scheduler.cancel({ instance: "main", id: "nothing" }), false);
  assert.equal(await farm.scheduler.cancel({ instance: "other", id: operation.id }), false);
});

test("a late result of a cancelled job is answered and changes nothing", async (t) => {
  const farm = await startFarm(t);
  const operation = await farm.scheduler.submit("main", job("a"));
  const session = await farm.scheduler.openSession("main", bot("b1"));
  await farm.scheduler.cancel(operation);
  const before = await stateOf(farm, operation);
  const leases = [finished(operation.job.id)];
  const reply = await farm.scheduler.updateSession(session.name, bot("b1", { leases }), now);
  assert.deepEqual(reply.leases, []);
  assert.deepEqual(await stateOf(farm, operation), before);
  assert.equal(await farm.store.getActionResult("main", operation.job.action, farm.clock.now()), undefined);
});

test("deleting forgets one handle and cancels nothing", async (t) => {
  const farm = await startFarm(t);
  const first = await farm.scheduler.submit("main", job("a"));
  const second = await farm.scheduler.submit("main", job("a"));
  assert.equal(await farm.scheduler.delete(first), true);
  assert.equal(await farm.scheduler.delete(first), false);
  assert.equal(await farm.scheduler.poll(first), undefined);
  assert.equal((await stateOf(farm, second)).stage, Stage.QUEUED);
});

test("an operation that nobody follows is cancelled after the grace time, a polled one is not", async (t) => {
  const farm = await startFarm(t);
  const lost = await farm.scheduler.submit("main", job("lost"));
  const polled = await farm.scheduler.submit("main", job("polled"));
  await farm.scheduler.poll(polled);
  await farm.clock.advance(30_001);
  await until(async () => (await stateOf(farm, lost)).cancelled);
  assert.equal((await stateOf(farm, polled)).stage, Stage.QUEUED);
});

test("after a restart a client has the grace time to come back, and a polled operation is still known as polled", async (t) => {
  const farm = await startFarm(t);
  const followed = await farm.scheduler.submit("main", job("followed"));
  const lost = await farm.scheduler.submit("main", job("lost"));
  const polled = await farm.scheduler.submit("main", job("polled"));
  await farm.scheduler.poll(polled);
  await farm.restart();
  await farm.clock.advance(29_000);
  const back = new AbortController();
  const states = farm.scheduler.watch(followed, { signal: back.signal, keepAliveMs: 1e6 })[Symbol.asyncIterator]();
  await states.next();
  await farm.clock.advance(60_000);
  await until(async () => (await stateOf(farm, lost)).cancelled);
  assert.equal((await stateOf(farm, followed)).stage, Stage.QUEUED);
  assert.equal((await stateOf(farm, polled)).stage, Stage.QUEUED);
  back.abort();
  await states.return?.(undefined);
});

test("a wait ends with the operation, or with its time and the latest state", async (t) => {
  const farm = await startFarm(t);
  const operation = await farm.scheduler.submit("main", job("a"));
  const signal = new AbortController().signal;
  await farm.scheduler.poll(operation);
  const duties = farm.clock.pending();
  const short = farm.scheduler.wait(operation, { signal, timeoutMs: 5000 });
  await until(() => farm.clock.pending() === duties + 1);
  await farm.clock.advance(5000);
  assert.equal((await short)?.stage, Stage.QUEUED);
  const long = farm.scheduler.wait(operation, { signal, timeoutMs: 1e9 });
  await farm.scheduler.cancel(operation);
  assert.equal((await long)?.cancelled, true);
  assert.equal(await farm.scheduler.wait({ instance: "main", id: "nothing" }, { signal, timeoutMs: 1 }), undefined);
});

test("a silent watch repeats its state as a keep-alive, and ends at once when its client goes", async (t) => {
  const farm = await startFarm(t);
  const operation = await farm.scheduler.submit("main", job("a"));
  const gone = new AbortController();
  const states = farm.scheduler.watch(operation, { signal: gone.signal, keepAliveMs: 10_000 })[Symbol.asyncIterator]();
  assert.equal((await states.next()).value?.stage, Stage.QUEUED);
  const pending = farm.clock.pending();
  const repeated = states.next();
  await until(async () => farm.clock.pending() > pending);
  await farm.clock.advance(10_000);
  assert.equal((await repeated).value?.stage, Stage.QUEUED);
  const last = states.next();
  gone.abort();
  assert.equal((await last).done, true);
});

test("a job that no bot takes ends as UNAVAILABLE when there is a queue timeout", async (t) => {
  const farm = await startFarm(t, { queueTimeoutMs: 5000, orphanGraceMs: 0 });
  const operation = await farm.scheduler.submit("main", job("a", { platform: [{ name: "ISA", value: "pdp11" }] }));
  await farm.clock.advance(30_000);
  await until(async () => (await stateOf(farm, operation)).stage === Stage.COMPLETED);
  const { status } = responseOf(await stateOf(farm, operation));
  assert.equal(status?.code, Code.Unavailable);
  assert.match(status?.message ?? "", /ISA=pdp11/);
});
