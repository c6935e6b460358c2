import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ExecutedActionMetadataSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { OperationRecord } from "../../src/operations/operations.ts";
import { JobEventKind } from "../../src/scheduler/scheduler.ts";
import { active, bot, type Farm, failed, job, now, startFarm, stateOf } from "./farm.ts";

const kindNames = new Map<number, string>(Object.entries(JobEventKind).map(([name, kind]) => [kind, name]));

async function historyOf(farm: Farm, operation: OperationRecord) {
  const history = await farm.scheduler.census.history(operation);
  return history?.events.map(({ kind, facts }) => ({ kind: kindNames.get(kind), ...facts })) ?? [];
}

test("the history notes each time that a worker reports, once", async (t) => {
  const farm = await startFarm(t);
  const operation = await farm.scheduler.submit("main", job("a"));
  const session = await farm.scheduler.openSession("main", bot("one"));
  const report = (fields: object) =>
    farm.scheduler.updateSession(
      session.name,
      bot("one", {
        leases: [{ ...active(operation.job.id), progress: create(ExecutedActionMetadataSchema, fields) }],
      }),
      now,
    );
  const workerStartTimestamp = timestampFromMs(1000);
  await report({ workerStartTimestamp });
  await report({ workerStartTimestamp, worker: "one" });
  await report({ workerStartTimestamp, inputFetchStartTimestamp: timestampFromMs(2000) });
  const events = (await farm.scheduler.census.history(operation))?.events ?? [];
  assert.deepEqual(
    events.slice(3).map(({ at, facts }) => [at, facts.timestampName]),
    [
      [1000, "worker_start_timestamp"],
      [2000, "input_fetch_start_timestamp"],
    ],
  );
});

test("the history says why a job was tried again, and why it was given up", async (t) => {
  const farm = await startFarm(t, { maxAttempts: 2 });
  const operation = await farm.scheduler.submit("main", job("a"));
  const session = await farm.scheduler.openSession("main", bot("one"));
  const fail = () =>
    farm.scheduler.updateSession(
      session.name,
      bot("one", { leases: [failed(operation.job.id, 14, "disk full")] }),
      now,
    );
  await fail();
  await fail();
  const events = (await historyOf(farm, operation)).slice(2);
  assert.deepEqual(
    events.map(({ kind, attempt, statusCode, cause }) => [kind, attempt ?? statusCode, cause?.by, cause?.reason]),
    [
      ["ASSIGNMENT", 1, undefined, undefined],
      ["RETRY", 1, "server", "disk full"],
      ["ASSIGNMENT", 2, undefined, undefined],
      ["COMPLETION", 10, "server", "gave up after 2 attempts, the last on one: disk full"],
    ],
  );
});

test("the history tells an orphan's end from a client's wish", async (t) => {
  const farm = await startFarm(t, { orphanGraceMs: 5000 });
  const orphan = await farm.scheduler.submit("main", job("a"));
  const unwanted = await farm.scheduler.submit("main", job("b"));
  const identity = { actor: "ci", subject: "alice", workflow: "nightly" };
  await farm.scheduler.cancel(unwanted, { by: "client", identity, reason: "enough" });
  await farm.clock.advance(5000);
  for (let tries = 0; (await stateOf(farm, orphan)).stage !== 4 && tries < 1000; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const [, , ...ofOrphan] = await historyOf(farm, orphan);
  assert.deepEqual(
    ofOrphan.map(({ kind, cause }) => [kind, cause]),
    ["OPERATION_CANCELLATION", "CANCELLATION"].map((kind) => [
      kind,
      { by: "server", reason: "cancelled: no client followed it for 5 s" },
    ]),
  );
  const [, , ...ofUnwanted] = await historyOf(farm, unwanted);
  assert.deepEqual(ofUnwanted.at(-1)?.cause, { by: "client", identity, reason: "enough" });
});

test("a killed job ends for all who wanted it, and its bot is told", async (t) => {
  const farm = await startFarm(t);
  const first = await farm.scheduler.submit("main", job("a"));
  const second = await farm.scheduler.submit("main", job("a"));
  const session = await farm.scheduler.openSession("main", bot("one"));
  const cause = { by: "client", identity: undefined, reason: "runs wild" } as const;
  assert.equal((await farm.scheduler.kill(first, cause)).kind, "cancelled");
  assert.equal((await farm.scheduler.kill(first, cause)).kind, "already-done");
  for (const operation of [first, second]) assert.equal((await stateOf(farm, operation)).cancelled, true);
  const reply = await farm.scheduler.updateSession(session.name, bot("one", { leases: [active(first.job.id)] }), now);
  assert.deepEqual(reply.leases, []);
});
