import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Cause, JobEventKind, LONGEST_REASON } from "../../src/store/store.ts";
import { CANCELLED, completeJob, openFarm, outcome, START } from "../helpers/farm.ts";
import { backends } from "../helpers/open-store.ts";

const {
  CREATION,
  NEW_OPERATION,
  ASSIGNMENT,
  COMPLETION,
  OPERATION_CANCELLATION,
  CANCELLATION,
  RETRY,
  PROGRESS_UPDATE,
} = JobEventKind;

const born = { kind: CREATION, at: START, facts: {} };
const identity = { actor: "ci", subject: "alice", workflow: "nightly" };
const cause: Cause = { by: "client", identity, reason: "not needed" };
const bytes = new Uint8Array([1]);

for (const backend of backends) {
  describe(`the history of a job in ${backend}`, () => {
    test("tells of its birth, its bot, what that reported, and its end", async (t) => {
      const { store, submit, lease } = await openFarm(t, backend);
      const { id: operation, job } = await submit();
      await lease();
      const reached = [{ name: "input_fetch_start_timestamp", at: START + 7 }];
      await store.reportProgress(job.id, "main/bot-session", bytes, undefined, reached);
      await completeJob(store, job.id, START + 50);
      assert.deepEqual(await store.history(job.id), [
        born,
        { kind: NEW_OPERATION, at: START, facts: { operation, operations: 1 } },
        { kind: ASSIGNMENT, at: START + 10, facts: { worker: "bot", attempt: 1, queueMs: 10 } },
        {
          kind: PROGRESS_UPDATE,
          at: START + 7,
          facts: { worker: "bot", timestampName: "input_fetch_start_timestamp" },
        },
        { kind: COMPLETION, at: START + 50, facts: { worker: "bot", statusCode: 0, durationMs: 50 } },
      ]);
    });

    test("counts a retry's wait from the retry, and says why there was one", async (t) => {
      const { store, submit, lease } = await openFarm(t, backend);
      const { job } = await submit();
      await lease();
      const lost: Cause = { by: "server", identity: undefined, reason: "the bot is lost" };
      assert.equal(await store.requeue(job.id, "main/bot-session", START + 4, lost), true);
      assert.equal(await store.requeue(job.id, "main/bot-session", START + 5, lost), false);
      await lease();
      const events = (await store.history(job.id)).slice(3);
      assert.deepEqual(events, [
        // undefined is no value of JSON: the identity is absent.
        {
          kind: RETRY,
          at: START + 4,
          facts: { worker: "bot", attempt: 1, cause: { by: "server", reason: "the bot is lost" } },
        },
        { kind: ASSIGNMENT, at: START + 10, facts: { worker: "bot", attempt: 2, queueMs: 6 } },
      ]);
    });

    test("of a job that two wanted tells who gave up first, and that the last one ended it", async (t) => {
      const { store, submit, lease } = await openFarm(t, backend);
      const first = await submit({ action: "same" });
      const second = await submit({ action: "same", now: START + 1 });
      await lease();
      await store.cancelOperation(first, CANCELLED, START + 20, cause);
      await store.cancelOperation(second, CANCELLED, START + 21);
      assert.deepEqual((await store.history(first.job.id)).toSpliced(0, 2).toSpliced(1, 1), [
        { kind: NEW_OPERATION, at: START + 1, facts: { operation: second.id, operations: 2 } },
        {
          kind: OPERATION_CANCELLATION,
          at: START + 20,
          facts: { operation: first.id, operations: 2, cancelledOperations: 1, worker: "bot", cause },
        },
        {
          kind: OPERATION_CANCELLATION,
          at: START + 21,
          facts: { operation: second.id, operations: 2, cancelledOperations: 2, worker: "bot" },
        },
        { kind: CANCELLATION, at: START + 21, facts: { worker: "bot" } },
      ]);
    });

    test("of an answer from the action cache is its birth and its end", async (t) => {
      const { store, submit } = await openFarm(t, backend);
      const { id: operation, job } = await submit({ outcome: outcome({ cached: true }) });
      assert.deepEqual(await store.history(job.id), [
        born,
        { kind: NEW_OPERATION, at: START, facts: { operation, operations: 1 } },
        { kind: COMPLETION, at: START, facts: { statusCode: 0, durationMs: 0 } },
      ]);
    });

    test("goes with the job", async (t) => {
      const { store, submit } = await openFarm(t, backend);
      const operation = await submit();
      await completeJob(store, operation.job.id);
      await store.deleteOperation(operation);
      assert.deepEqual(await store.history(operation.job.id), []);
      assert.deepEqual(await store.history("missing"), []);
    });

    test("keeps reasons short and is not filled by a bot that reports for ever", async (t) => {
      const { store, submit, lease } = await openFarm(t, backend);
      const operation = await submit();
      await lease();
      const reached = Array.from({ length: 300 }, (_, at) => ({ name: "worker_start_timestamp", at }));
      await store.reportProgress(operation.job.id, "main/bot-session", bytes, undefined, reached);
      await store.cancelOperation(operation, CANCELLED, START, { ...cause, reason: "x".repeat(5000) });
      const events = await store.history(operation.job.id);
      assert.ok(events.length < 250, `${events.length} entries`);
      assert.equal(events.at(-1)?.kind, CANCELLATION);
      assert.equal(events.at(-1)?.facts.cause?.reason.length, LONGEST_REASON);
    });
  });

  describe(`killing a job in ${backend}`, () => {
    test("cancels all its operations and tells the bot's session", async (t) => {
      const { store, submit, lease, again } = await openFarm(t, backend);
      const first = await submit({ action: "same" });
      const second = await submit({ action: "same" });
      await lease();
      assert.deepEqual(await store.killJob(second, CANCELLED, START + 30, cause), {
        kind: "cancelled",
        jobId: first.job.id,
        jobEnded: true,
        session: "main/bot-session",
      });
      for (const operation of [first, second]) {
        const state = await again(operation);
        assert.deepEqual([state?.stage, state?.cancelled, state?.completedAt], [4, true, START + 30]);
        assert.deepEqual(state?.job.outcome, CANCELLED);
      }
      assert.deepEqual(await store.leasedJobs("main/bot-session"), []);
      assert.deepEqual((await store.history(first.job.id)).at(-1), {
        kind: CANCELLATION,
        at: START + 30,
        facts: { worker: "bot", cause },
      });
    });

    test("works through an operation that was cancelled on its own", async (t) => {
      const { store, submit, again } = await openFarm(t, backend);
      const first = await submit({ action: "same" });
      const second = await submit({ action: "same" });
      await store.cancelOperation(first, CANCELLED, START + 1);
      assert.equal((await store.killJob(first, CANCELLED, START + 2, cause)).kind, "cancelled");
      assert.equal((await again(second))?.cancelled, true);
      assert.equal((await again(first))?.completedAt, START + 1);
    });

    test("changes nothing when the job has ended or the operation is not there", async (t) => {
      const { store, submit, again } = await openFarm(t, backend);
      const operation = await submit();
      await completeJob(store, operation.job.id);
      const before = await again(operation);
      assert.deepEqual(await store.killJob(operation, CANCELLED, START + 9, cause), {
        kind: "already-done",
        jobId: operation.job.id,
      });
      assert.deepEqual(await again(operation), before);
      assert.deepEqual(await store.killJob({ instance: "other", id: operation.id }, CANCELLED, START, cause), {
        kind: "missing",
      });
    });
  });
}
