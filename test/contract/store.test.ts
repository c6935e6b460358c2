import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code } from "../../src/base/errors.ts";
import { newId } from "../../src/base/ids.ts";
import { Stage } from "../../src/operations/operations.ts";
import { CANCELLED, completeJob, openFarm, outcome, START, submission } from "../helpers/farm.ts";
import { backends } from "../helpers/open-store.ts";

const requestMetadata = {
  toolName: "bazel",
  toolVersion: "4.2.3",
  actionId: "action",
  invocationId: "invocation",
  correlatedInvocationsId: "",
  actionMnemonic: "CppCompile",
  targetId: "//a:b",
  configurationId: "k8",
};
const identity = { actor: "ci", subject: "alice", workflow: "nightly" };

for (const backend of backends) {
  describe(`operations in ${backend}`, () => {
    test("a submitted operation is queued and reads back as it was answered", async (t) => {
      const { store } = await openFarm(t, backend);
      const wanted = submission({ requestMetadata, identity, command: "cc 'ü' \u{1f600}" });
      const { operation, merged } = await store.submit(wanted);
      assert.equal(merged, false);
      const { platform, action, ...job } = wanted.job;
      assert.deepEqual(operation, {
        ...wanted.operation,
        stage: Stage.QUEUED,
        cancelled: false,
        polled: false,
        createdAt: START,
        completedAt: undefined,
        job: {
          ...job,
          instance: "main",
          action,
          platform,
          stage: Stage.QUEUED,
          attempts: 0,
          queuedAt: START,
          assignedAt: undefined,
          startedAt: undefined,
          completedAt: undefined,
          session: undefined,
          worker: undefined,
          partialMetadata: undefined,
          outcome: undefined,
        },
      });
      assert.deepEqual(await store.getOperation({ instance: "main", id: operation.id }), operation);
      assert.deepEqual(await store.getJob(operation.job.id), operation.job);
    });

    test("a store is ready until it is closed", async (t) => {
      const { store } = await openFarm(t, backend);
      await store.ready();
      await store[Symbol.asyncDispose]();
      await assert.rejects(store.ready(), { code: Code.Unavailable });
    });

    test("metadata with empty fields is not the same as none", async (t) => {
      const { submit } = await openFarm(t, backend);
      const empty = Object.fromEntries(Object.keys(requestMetadata).map((key) => [key, ""]));
      const operation = await submit({ requestMetadata: empty as typeof requestMetadata });
      assert.deepEqual(operation.requestMetadata, empty);
      assert.equal((await submit()).requestMetadata, undefined);
    });

    test("an operation is found in its own instance only", async (t) => {
      const { store, submit } = await openFarm(t, backend);
      const { id } = await submit({ instance: "a" });
      const elsewhere = { instance: "b", id };
      assert.equal(await store.getOperation(elsewhere), undefined);
      assert.deepEqual(await store.cancelOperation(elsewhere, CANCELLED, START), { kind: "missing" });
      assert.equal(await store.deleteOperation(elsewhere), undefined);
      await store.markPolled(elsewhere);
      assert.equal((await store.getOperation({ instance: "a", id }))?.polled, false);
    });

    test("an operation of an action cache hit is born completed", async (t) => {
      const { store, submit, again } = await openFarm(t, backend);
      const live = await submit({ action: "same" });
      const cached = await submit({ action: "same", outcome: outcome({ cached: true }), now: START + 5 });
      assert.notEqual(cached.job.id, live.job.id);
      assert.equal(cached.stage, Stage.COMPLETED);
      assert.equal(cached.completedAt, START + 5);
      assert.equal(cached.job.stage, Stage.COMPLETED);
      assert.equal(cached.job.completedAt, START + 5);
      assert.deepEqual(cached.job.outcome, outcome({ cached: true }));
      assert.deepEqual(await again(cached), cached);
      assert.deepEqual(await store.liveJobs("main"), [live.job]);
    });

    test("an empty response stays an empty response", async (t) => {
      const { submit, again } = await openFarm(t, backend);
      const cached = await submit({ outcome: outcome({ response: "" }) });
      assert.deepEqual((await again(cached))?.job.outcome?.response, new Uint8Array(0));
    });

    test("a submission joins the live job of the same action and instance", async (t) => {
      const { store } = await openFarm(t, backend);
      const first = await store.submit(submission({ action: "same" }));
      const second = await store.submit(submission({ action: "same", now: START + 5 }));
      const elsewhere = await store.submit(submission({ action: "same", instance: "other" }));
      assert.equal(second.merged, true);
      assert.deepEqual(second.operation.job, first.operation.job);
      assert.equal(second.operation.createdAt, START + 5);
      assert.equal(elsewhere.merged, false);
    });

    test("a submission that joins a job of another platform is answered with that job", async (t) => {
      const { submit, again } = await openFarm(t, backend);
      const first = await submit({ action: "same" });
      const second = await submit({ action: "same", platform: [{ name: "OSFamily", value: "macos" }] });
      assert.deepEqual(second.job, first.job);
      assert.deepEqual(await again(second), second);
    });

    test("of many submissions of one action at once exactly one brings the job", async (t) => {
      const { store } = await openFarm(t, backend);
      const results = await Promise.all(Array.from({ length: 20 }, () => store.submit(submission({ action: "same" }))));
      assert.equal(results.filter(({ merged }) => !merged).length, 1);
      assert.equal(new Set(results.map(({ operation }) => operation.job.id)).size, 1);
    });

    test("a job that must not be cached is joined by none and joins none", async (t) => {
      const { store } = await openFarm(t, backend);
      const merged = async (cacheable: boolean) =>
        (await store.submit(submission({ action: "same", cacheable }))).merged;
      assert.equal(await merged(false), false);
      assert.equal(await merged(true), false);
      assert.equal(await merged(false), false);
      assert.equal(await merged(true), true);
    });

    test("an operation that joins a running job is EXECUTING and leaves its priority alone", async (t) => {
      const { submit, lease, again } = await openFarm(t, backend);
      const first = await submit({ action: "same", priority: 5 });
      await lease();
      const second = await submit({ action: "same", priority: 1 });
      assert.equal(second.stage, Stage.EXECUTING);
      assert.equal(second.job.priority, 5);
      assert.equal((await again(first))?.stage, Stage.EXECUTING);
    });

    test("joining a queued job lowers its priority value and never raises it", async (t) => {
      const { submit } = await openFarm(t, backend);
      await submit({ action: "same", priority: 5 });
      assert.equal((await submit({ action: "same", priority: 9 })).job.priority, 5);
      assert.equal((await submit({ action: "same", priority: -3 })).job.priority, -3);
    });

    test("a completed job is joined by none", async (t) => {
      const { store, submit } = await openFarm(t, backend);
      const first = await submit({ action: "same" });
      await completeJob(store, first.job.id);
      assert.notEqual((await submit({ action: "same" })).job.id, first.job.id);
    });

    test("a refused submission leaves nothing, and fails no other", async (t) => {
      const { store } = await openFarm(t, backend);
      const first = submission();
      const sameOperation = { ...submission(), operation: first.operation };
      const all = [first, sameOperation, submission()];
      const results = await Promise.allSettled(all.map((s) => store.submit(s)));
      const refused = all.filter((_, i) => results[i]?.status === "rejected");
      assert.equal(refused.length, 1);
      assert.equal(refused[0]?.operation, first.operation);
      assert.equal(await store.getJob(refused[0].job.id), undefined);
    });

    test("being polled is remembered, also twice", async (t) => {
      const { store, submit, again } = await openFarm(t, backend);
      const operation = await submit();
      await store.markPolled(operation);
      await store.markPolled(operation);
      assert.equal((await again(operation))?.polled, true);
      await store.markPolled({ instance: "main", id: newId() });
    });

    test("cancelling the only operation ends its job with the given outcome", async (t) => {
      const { store, submit, again } = await openFarm(t, backend);
      const operation = await submit();
      assert.deepEqual(await store.cancelOperation(operation, CANCELLED, START + 7), {
        kind: "cancelled",
        jobId: operation.job.id,
        jobEnded: true,
        session: undefined,
      });
      const ended = await again(operation);
      assert.equal(ended?.stage, Stage.COMPLETED);
      assert.equal(ended?.cancelled, true);
      assert.equal(ended?.completedAt, START + 7);
      assert.equal(ended?.job.completedAt, START + 7);
      assert.deepEqual(ended?.job.outcome, CANCELLED);
    });

    test("cancelling the last operation of a running job tells which session has it", async (t) => {
      const { store, submit, lease } = await openFarm(t, backend);
      const operation = await submit();
      await lease("main/one");
      const result = await store.cancelOperation(operation, CANCELLED, START);
      assert.deepEqual(result, { kind: "cancelled", jobId: operation.job.id, jobEnded: true, session: "main/one" });
      assert.deepEqual(await store.leasedJobs("main/one"), []);
      assert.equal((await store.getJob(operation.job.id))?.session, undefined);
      assert.equal((await store.getJob(operation.job.id))?.worker, "bot");
    });

    test("cancelling one of two operations leaves the job to the other", async (t) => {
      const { store, submit, lease, again } = await openFarm(t, backend);
      const first = await submit({ action: "same" });
      const second = await submit({ action: "same" });
      await lease("main/one");
      const result = await store.cancelOperation(first, CANCELLED, START + 7);
      assert.deepEqual(result, { kind: "cancelled", jobId: first.job.id, jobEnded: false, session: undefined });
      assert.equal((await again(first))?.stage, Stage.COMPLETED);
      assert.equal((await again(first))?.job.stage, Stage.EXECUTING);
      assert.equal((await again(second))?.stage, Stage.EXECUTING);

      await completeJob(store, first.job.id, START + 9);
      assert.equal((await again(first))?.completedAt, START + 7);
      assert.equal((await again(first))?.cancelled, true);
      assert.equal((await again(second))?.completedAt, START + 9);
      assert.equal((await again(second))?.cancelled, false);
    });

    test("cancelling what has ended changes nothing", async (t) => {
      const { store, submit, again } = await openFarm(t, backend);
      const done = await submit();
      await completeJob(store, done.job.id);
      const before = await again(done);
      const result = { kind: "already-done", jobId: done.job.id };
      assert.deepEqual(await store.cancelOperation(done, CANCELLED, START + 9), result);
      assert.deepEqual(await again(done), before);

      const cancelled = await submit();
      await store.cancelOperation(cancelled, CANCELLED, START + 7);
      const second = await store.cancelOperation(cancelled, outcome(), START + 9);
      assert.deepEqual(second, { kind: "already-done", jobId: cancelled.job.id });
      assert.equal((await again(cancelled))?.completedAt, START + 7);
    });

    test("of a cancellation and a completion that race the first one counts", async (t) => {
      const { store, submit, again } = await openFarm(t, backend);
      const operation = await submit();
      const [completed, cancelled] = await Promise.all([
        completeJob(store, operation.job.id),
        store.cancelOperation(operation, CANCELLED, START),
      ]);
      assert.equal(cancelled.kind, completed ? "already-done" : "cancelled");
      assert.equal((await again(operation))?.cancelled, !completed);
      assert.equal((await again(operation))?.job.outcome?.statusCode, completed ? 0 : 1);
    });

    test("deleting a completed operation forgets its job when no other has it", async (t) => {
      const { store, submit, again } = await openFarm(t, backend);
      const first = await submit({ action: "same" });
      const second = await submit({ action: "same" });
      await completeJob(store, first.job.id);
      assert.equal(await store.deleteOperation(first), first.job.id);
      assert.equal(await again(first), undefined);
      assert.equal((await again(second))?.stage, Stage.COMPLETED);
      assert.equal(await store.deleteOperation(second), first.job.id);
      assert.equal(await store.getJob(first.job.id), undefined);
      assert.equal(await store.deleteOperation(second), undefined);
    });

    test("deleting a live operation leaves its job running, for others to join", async (t) => {
      const { store, submit, lease } = await openFarm(t, backend);
      const operation = await submit({ action: "same" });
      await lease();
      await store.deleteOperation(operation);
      assert.equal((await store.getJob(operation.job.id))?.stage, Stage.EXECUTING);
      assert.deepEqual(await store.liveOperations(), []);
      assert.equal((await submit({ action: "same" })).job.id, operation.job.id);
    });

    test("a job that nobody can ask for is forgotten when it ends", async (t) => {
      const { store, submit } = await openFarm(t, backend);
      const operation = await submit();
      await store.deleteOperation(operation);
      assert.equal(await completeJob(store, operation.job.id), true);
      assert.equal(await store.getJob(operation.job.id), undefined);
    });

    test("the live operations are those of all instances that have not ended", async (t) => {
      const { store, submit, lease } = await openFarm(t, backend);
      const queued = await submit({ instance: "b" });
      const done = await submit();
      const running = await submit();
      await completeJob(store, done.job.id);
      const cancelled = await submit({ action: "same" });
      const other = await submit({ action: "same" });
      await store.cancelOperation(cancelled, CANCELLED, START);
      await store.markPolled(other);
      await lease();
      const live = (await store.liveOperations()).map(({ instance, id, polled }) => [instance, id, polled]);
      const wanted = [queued, running, other].map(({ instance, id }) => [instance, id, id === other.id]);
      assert.deepEqual(live.sort(), wanted.sort());
    });
  });
}
