import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ExecutedActionMetadataSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { BotStatus } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import { Code, StatusError } from "../../src/base/errors.ts";
import { Stage } from "../../src/operations/operations.ts";
import { until } from "../helpers/until.ts";
import { active, bot, failed, finished, job, now, responseOf, startFarm, stateOf } from "./farm.ts";

const withCode = (code: Code) => (error: unknown) => error instanceof StatusError && error.code === code;

test("an idle bot waits until there is work for it", async (t) => {
  const farm = await startFarm(t);
  const session = await farm.scheduler.openSession("main", bot("b1"));
  const polling = farm.scheduler.updateSession(session.name, bot("b1"), { ...now, waitMs: 40_000 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  const operation = await farm.scheduler.submit("main", job("a"));
  const reply = await polling;
  assert.deepEqual(
    reply.leases.map((lease) => lease.id),
    [operation.job.id],
  );
});

test("a bot that never runs out of work is given a more urgent job with requirements that nobody had before", async (t) => {
  const farm = await startFarm(t);
  const [first] = [await farm.scheduler.submit("main", job("a")), await farm.scheduler.submit("main", job("b"))];
  const session = await farm.scheduler.openSession("main", bot("b1"));
  assert.equal(session.leases[0]?.id, first.job.id);
  const urgent = await farm.scheduler.submit("main", job("c", { platform: [], priority: -1 }));
  const reply = await farm.scheduler.updateSession(session.name, bot("b1", { leases: [finished(first.job.id)] }), now);
  assert.equal(reply.leases[0]?.id, urgent.job.id);
});

test("a poll without work ends after its time, and at once when the bot goes", async (t) => {
  const farm = await startFarm(t);
  const session = await farm.scheduler.openSession("main", bot("b1"));
  const polling = farm.scheduler.updateSession(session.name, bot("b1"), { ...now, waitMs: 40_000 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  await farm.clock.advance(40_000);
  assert.deepEqual((await polling).leases, []);
  const gone = new AbortController();
  const abandoned = farm.scheduler.updateSession(session.name, bot("b1"), { signal: gone.signal, waitMs: 40_000 });
  gone.abort();
  assert.deepEqual((await abandoned).leases, []);
});

test("a newer update of a session ends the older one's wait, and no job is handed out twice", async (t) => {
  const farm = await startFarm(t);
  const session = await farm.scheduler.openSession("main", bot("b1"));
  const older = farm.scheduler.updateSession(session.name, bot("b1"), { ...now, waitMs: 40_000 });
  const newer = farm.scheduler.updateSession(session.name, bot("b1"), { ...now, waitMs: 40_000 });
  assert.deepEqual((await older).leases, []);
  const operation = await farm.scheduler.submit("main", job("a"));
  assert.equal((await newer).leases[0]?.id, operation.job.id);
  assert.equal((await stateOf(farm, operation)).job.attempts, 1);
});

test("a bot gets as many jobs as it has room for, and the next in the reply to its result", async (t) => {
  const farm = await startFarm(t);
  for (const name of ["a", "b", "c"]) await farm.scheduler.submit("main", job(name));
  const session = await farm.scheduler.openSession("main", bot("b1", { capacity: 2 }));
  const [first, second] = session.leases;
  assert.ok(first && second);
  const leases = [finished(first.id), active(second.id)];
  const reply = await farm.scheduler.updateSession(session.name, bot("b1", { capacity: 2, leases }), now);
  assert.equal(reply.leases.length, 2);
  assert.ok(reply.leases.some((lease) => lease.id === second.id));
});

test("a lease whose reply got lost is told again", async (t) => {
  const farm = await startFarm(t);
  await farm.scheduler.submit("main", job("a"));
  const session = await farm.scheduler.openSession("main", bot("b1"));
  const again = await farm.scheduler.updateSession(session.name, bot("b1"), now);
  assert.deepEqual(
    again.leases.map((lease) => lease.id),
    session.leases.map((lease) => lease.id),
  );
});

test("only a bot that is OK gets work", async (t) => {
  const farm = await startFarm(t);
  await farm.scheduler.submit("main", job("a"));
  for (const status of [BotStatus.UNHEALTHY, BotStatus.INITIALIZING, BotStatus.BOT_STATUS_UNSPECIFIED]) {
    assert.deepEqual((await farm.scheduler.openSession("main", bot("b1", { status }))).leases, []);
  }
});

test("a bot gets only what it fits, and a bot of every instance gets all of that", async (t) => {
  const farm = await startFarm(t);
  const arm = await farm.scheduler.submit("main", job("arm", { platform: [{ name: "ISA", value: "arm64" }] }));
  const other = await farm.scheduler.submit("other", job("other"));
  assert.deepEqual((await farm.scheduler.openSession("main", bot("b1"))).leases, []);
  const properties = [...bot("b2").properties, { name: "ISA", value: "arm64" }];
  const { leases } = await farm.scheduler.openSession("*", bot("b2", { capacity: 9, properties }));
  assert.deepEqual(new Set(leases.map((lease) => lease.id)), new Set([arm.job.id, other.job.id]));
});

test("a failed attempt is tried again with its old place in the queue, and given up after the last", async (t) => {
  const farm = await startFarm(t, { maxAttempts: 3 });
  const operation = await farm.scheduler.submit("main", job("a"));
  let { name, leases } = await farm.scheduler.openSession("main", bot("b1"));
  for (const code of [Code.Internal, Code.Unavailable, Code.Internal]) {
    assert.equal(leases.length, 1);
    const reports = leases.map((lease) => failed(lease.id, code, "disk on fire"));
    ({ name, leases } = await farm.scheduler.updateSession(name, bot("b1", { leases: reports }), now));
  }
  assert.deepEqual(leases, []);
  const end = await stateOf(farm, operation);
  assert.equal(end.job.queuedAt, operation.job.queuedAt);
  assert.equal(responseOf(end).status?.code, Code.Aborted);
  assert.match(responseOf(end).status?.message ?? "", /3 attempts.*disk on fire/);
});

test("a success without a result is a failed attempt", async (t) => {
  const farm = await startFarm(t);
  const operation = await farm.scheduler.submit("main", job("a"));
  const { name } = await farm.scheduler.openSession("main", bot("b1"));
  const report = { ...finished(operation.job.id), result: undefined };
  await farm.scheduler.updateSession(name, bot("b1", { capacity: 0, leases: [report] }), now);
  assert.equal((await stateOf(farm, operation)).stage, Stage.QUEUED);
});

test("any other status is the outcome, with the bot's details, and is not cached", async (t) => {
  const farm = await startFarm(t);
  const operation = await farm.scheduler.submit("main", job("a"));
  const { name } = await farm.scheduler.openSession("main", bot("b1"));
  const leases = [failed(operation.job.id, Code.DeadlineExceeded, "took too long")];
  await farm.scheduler.updateSession(name, bot("b1", { leases }), now);
  const end = await stateOf(farm, operation);
  assert.deepEqual([end.job.outcome?.statusCode, responseOf(end).status?.message], [4, "took too long"]);
});

test("only the result of a cacheable job that exited with 0 is cached", async (t) => {
  const farm = await startFarm(t);
  const cases = { kept: job("kept"), failing: job("failing"), private: job("private", { cacheable: false }) };
  for (const [kind, wanted] of Object.entries(cases)) {
    const operation = await farm.scheduler.submit("main", wanted);
    const { name } = await farm.scheduler.openSession("main", bot("b1"));
    const leases = [finished(operation.job.id, kind === "failing" ? 1 : 0)];
    await farm.scheduler.updateSession(name, bot("b1", { leases }), now);
    assert.equal((await stateOf(farm, operation)).stage, Stage.COMPLETED);
    const cached = await farm.store.getActionResult("main", wanted.action, farm.clock.now());
    assert.equal(cached !== undefined, kind === "kept", kind);
  }
});

test("re-queues a job when its bot session expires, and another bot gets it", async (t) => {
  const farm = await startFarm(t, { orphanGraceMs: 0 });
  const operation = await farm.scheduler.submit("main", job("a"));
  const { name } = await farm.scheduler.openSession("main", bot("b1"));
  await farm.clock.advance(150_000);
  await until(async () => (await stateOf(farm, operation)).stage === Stage.QUEUED);
  await assert.rejects(farm.scheduler.updateSession(name, bot("b1"), now), withCode(Code.InvalidArgument));
  const second = await farm.scheduler.openSession("main", bot("b2"));
  assert.equal(second.leases[0]?.attempts, 2);
});

test("a session that is updated in time lives on", async (t) => {
  const farm = await startFarm(t, { orphanGraceMs: 0 });
  const operation = await farm.scheduler.submit("main", job("a"));
  const { name } = await farm.scheduler.openSession("main", bot("b1"));
  for (let i = 0; i < 10; i++) {
    await farm.clock.advance(30_000);
    const reply = await farm.scheduler.updateSession(name, bot("b1", { leases: [active(operation.job.id)] }), now);
    assert.equal(reply.leases.length, 1);
    assert.ok(reply.expiresAt > farm.clock.now());
  }
});

test("a new session of a bot closes its old one and takes the job back", async (t) => {
  const farm = await startFarm(t);
  const operation = await farm.scheduler.submit("main", job("a"));
  const old = await farm.scheduler.openSession("main", bot("b1"));
  const fresh = await farm.scheduler.openSession("main", bot("b1"));
  assert.equal(fresh.leases[0]?.id, operation.job.id);
  assert.equal(fresh.leases[0]?.attempts, 2);
  await assert.rejects(farm.scheduler.updateSession(old.name, bot("b1"), now), withCode(Code.InvalidArgument));
});

test("a session outlives a restart of the server, and what was finished meanwhile counts", async (t) => {
  const farm = await startFarm(t);
  const operation = await farm.scheduler.submit("main", job("a"));
  const { name } = await farm.scheduler.openSession("main", bot("b1"));
  await farm.restart();
  await farm.clock.advance(1000);
  await farm.scheduler.updateSession(name, bot("b1", { leases: [finished(operation.job.id)] }), now);
  assert.equal((await stateOf(farm, operation)).job.outcome?.exitCode, 0);
});

test("a server that was down for long gives the bots time to come back", async (t) => {
  const farm = await startFarm(t, { orphanGraceMs: 0 });
  const operation = await farm.scheduler.submit("main", job("a"));
  const { name } = await farm.scheduler.openSession("main", bot("b1"));
  await farm.scheduler[Symbol.asyncDispose]();
  await farm.clock.advance(3_600_000 / 2);
  await farm.restart();
  await farm.clock.advance(30_000);
  const reply = await farm.scheduler.updateSession(name, bot("b1", { leases: [active(operation.job.id)] }), now);
  assert.equal(reply.leases.length, 1);
});

test("a bot that terminates gets no work, gives back what it dropped, and its session ends with its last lease", async (t) => {
  const farm = await startFarm(t);
  const kept = await farm.scheduler.submit("main", job("kept"));
  const dropped = await farm.scheduler.submit("main", job("dropped"));
  const { name } = await farm.scheduler.openSession("main", bot("b1", { capacity: 3 }));
  await farm.scheduler.submit("main", job("later"));
  const leaving = { capacity: 3, status: BotStatus.BOT_TERMINATING };
  const reply = await farm.scheduler.updateSession(name, bot("b1", { ...leaving, leases: [active(kept.job.id)] }), now);
  assert.deepEqual(
    reply.leases.map((lease) => lease.id),
    [kept.job.id],
  );
  assert.equal((await stateOf(farm, dropped)).stage, Stage.QUEUED);
  await farm.scheduler.updateSession(name, bot("b1", { ...leaving, leases: [finished(kept.job.id)] }), now);
  assert.equal((await stateOf(farm, kept)).stage, Stage.COMPLETED);
  assert.equal(await farm.store.getSession(name), undefined);
});

test("a bot that cancels a lease itself loses its session, and the job is queued again", async (t) => {
  const farm = await startFarm(t);
  const operation = await farm.scheduler.submit("main", job("a"));
  const { name } = await farm.scheduler.openSession("main", bot("b1"));
  const leases = [{ ...active(operation.job.id), state: "cancelled" as const }];
  await assert.rejects(farm.scheduler.updateSession(name, bot("b1", { leases }), now), withCode(Code.DataLoss));
  assert.equal((await stateOf(farm, operation)).stage, Stage.QUEUED);
});

test("a bot cannot speak for another's session or lease", async (t) => {
  const farm = await startFarm(t);
  const operation = await farm.scheduler.submit("main", job("a"));
  const owner = await farm.scheduler.openSession("main", bot("b1"));
  const thief = await farm.scheduler.openSession("main", bot("b2"));
  await assert.rejects(farm.scheduler.updateSession(owner.name, bot("b2"), now), withCode(Code.InvalidArgument));
  await farm.scheduler.updateSession(thief.name, bot("b2", { leases: [finished(operation.job.id)] }), now);
  assert.equal((await stateOf(farm, operation)).stage, Stage.EXECUTING);
});

test("progress reaches the watchers of the operation", async (t) => {
  const farm = await startFarm(t);
  const operation = await farm.scheduler.submit("main", job("a"));
  const { name } = await farm.scheduler.openSession("main", bot("b1"));
  const startedAt = farm.clock.now() + 5;
  const progress = create(ExecutedActionMetadataSchema, { workerStartTimestamp: timestampFromMs(startedAt) });
  const leases = [{ ...active(operation.job.id), progress }];
  await farm.scheduler.updateSession(name, bot("b1", { leases }), now);
  const state = await stateOf(farm, operation);
  assert.equal(state.job.startedAt, startedAt);
  assert.ok(state.job.partialMetadata);
});

test("a job that a live bot never finishes ends as DEADLINE_EXCEEDED", async (t) => {
  const farm = await startFarm(t, { orphanGraceMs: 0, sessionTimeoutMs: 4_000_000 });
  const operation = await farm.scheduler.submit("main", job("a", { timeoutMs: 60_000 }));
  await farm.scheduler.openSession("main", bot("b1"));
  await farm.clock.advance(60_000);
  assert.equal((await stateOf(farm, operation)).stage, Stage.EXECUTING);
  await farm.clock.advance(3_600_000);
  await until(async () => (await stateOf(farm, operation)).stage === Stage.COMPLETED);
  assert.equal(responseOf(await stateOf(farm, operation)).status?.code, Code.DeadlineExceeded);
});
