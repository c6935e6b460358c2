import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Stage } from "../../src/operations/operations.ts";
import { CANCELLED, completeJob, openFarm, outcome, START, session } from "../helpers/farm.ts";
import { backends } from "../helpers/open-store.ts";

const linux = [{ name: "OSFamily", value: "linux" }];
const macos = [{ name: "OSFamily", value: "macos" }];
const bytes = (text: string) => new Uint8Array(Buffer.from(text));

for (const backend of backends) {
  describe(`jobs in ${backend}`, () => {
    test("each distinct set of properties of an instance is one platform", async (t) => {
      const { store, submit } = await openFarm(t, backend);
      await submit({ platform: linux });
      await submit({ platform: linux });
      await submit({ platform: [...linux, { name: "name \"'", value: "[ü]" }] });
      await submit({ platform: linux, instance: "other" });
      const platforms = await store.platforms(0);
      assert.deepEqual(
        platforms.map(({ instance, properties }) => [instance, properties.length]),
        [
          ["main", 1],
          ["main", 2],
          ["other", 1],
        ],
      );
      assert.deepEqual(platforms[1]?.properties, [...linux, { name: "name \"'", value: "[ü]" }]);
      assert.deepEqual(await store.platforms(platforms[1]?.id ?? 0), platforms.slice(2));
      assert.deepEqual(await store.platforms(platforms[2]?.id ?? 0), []);
    });

    test("a claim leases a job to the session and shows it to its operations", async (t) => {
      const { store, submit, lease, again } = await openFarm(t, backend);
      const operation = await submit();
      const [job] = await lease("main/one");
      assert.deepEqual(job, {
        ...operation.job,
        stage: Stage.EXECUTING,
        attempts: 1,
        session: "main/one",
        worker: "bot",
        assignedAt: START + 10,
      });
      assert.deepEqual(await store.getJob(operation.job.id), job);
      assert.deepEqual(await store.leasedJobs("main/one"), [job]);
      assert.deepEqual(await again(operation), { ...operation, stage: Stage.EXECUTING, job });
      assert.deepEqual(await lease("main/two"), []);
    });

    test("jobs are handed out by priority value, then by age", async (t) => {
      const { submit, lease } = await openFarm(t, backend);
      const late = await submit({ priority: 1, now: START + 2 });
      const urgent = await submit({ priority: -1, now: START + 3 });
      const early = await submit({ priority: 1, now: START + 1, platform: macos });
      const twin = await submit({ priority: 1, now: START + 2, platform: macos });
      const order = (await lease("main/one", 3)).concat(await lease("main/one", 3)).map(({ id }) => id);
      assert.deepEqual(
        order,
        [urgent, early, late, twin].map(({ job }) => job.id),
      );
    });

    test("a claim takes jobs of its platforms only, however often they are named, and no more than asked", async (t) => {
      const { store, submit } = await openFarm(t, backend);
      await store.putSession(session());
      const wanted = await submit({ platform: linux });
      await submit({ platform: macos });
      const second = await submit({ platform: linux });
      const ids = (await store.platforms(0)).filter((p) => p.properties[0]?.value === "linux").map(({ id }) => id);
      const claim = (limit: number, platforms: number[]) =>
        store.claim({ session: "main/bot-session", worker: "bot", platforms, limit, now: START });
      assert.deepEqual(await claim(5, []), []);
      assert.deepEqual(await claim(0, ids), []);
      assert.deepEqual(
        (await claim(1, [...ids, ...ids])).map(({ id }) => id),
        [wanted.job.id],
      );
      assert.deepEqual(
        (await claim(5, [...ids, ...ids, 99])).map(({ id }) => id),
        [second.job.id],
      );
    });

    test("a session that is gone gets nothing", async (t) => {
      const { store, submit, lease } = await openFarm(t, backend);
      await submit();
      assert.deepEqual(
        await store.claim({ session: "main/gone", worker: "bot", platforms: [1], limit: 1, now: START }),
        [],
      );
      assert.equal((await lease()).length, 1);
    });

    test("claims that race share the jobs out, each to one session", async (t) => {
      const { store, submit } = await openFarm(t, backend);
      await Promise.all(Array.from({ length: 10 }, () => submit()));
      const names = Array.from({ length: 15 }, (_, i) => `main/${i}`);
      await Promise.all(names.map((name) => store.putSession(session({ name }))));
      const claims = names.map((name) =>
        store.claim({ session: name, worker: name, platforms: [1], limit: 1, now: START }),
      );
      const jobs = (await Promise.all(claims)).flat();
      assert.equal(new Set(jobs.map(({ id }) => id)).size, 10);
      assert.equal(jobs.length, 10);
    });

    test("progress is kept for the session that holds the lease, and for no other", async (t) => {
      const { store, submit, lease, again } = await openFarm(t, backend);
      const operation = await submit();
      const { id } = operation.job;
      assert.equal(await store.reportProgress(id, "main/one", bytes("early"), undefined), false);
      await lease("main/one");
      assert.equal(await store.reportProgress(id, "main/two", bytes("foreign"), START), false);
      assert.equal(await store.reportProgress(id, "main/one", bytes("first"), START + 20), true);
      assert.equal(await store.reportProgress(id, "main/one", bytes("second"), undefined), true);
      const job = (await again(operation))?.job;
      assert.deepEqual(job?.partialMetadata, bytes("second"));
      assert.equal(job?.startedAt, START + 20);
      assert.equal(await store.reportProgress("missing", "main/one", bytes("x"), undefined), false);
    });

    test("progress that is a view of a larger message is stored alone", async (t) => {
      const { store, submit, lease } = await openFarm(t, backend);
      const { job } = await submit();
      await lease("main/one");
      const message = Buffer.from("before|progress|after");
      await store.reportProgress(job.id, "main/one", message.subarray(7, 15), undefined);
      assert.deepEqual((await store.getJob(job.id))?.partialMetadata, bytes("progress"));
      assert.equal(message.toString(), "before|progress|after");
    });

    test("a requeued job keeps its place in the queue and starts anew when leased again", async (t) => {
      const { store, submit, lease, again } = await openFarm(t, backend);
      const operation = await submit({ now: START });
      await submit({ now: START + 1 });
      await lease("main/one");
      await store.reportProgress(operation.job.id, "main/one", bytes("progress"), START + 20);
      assert.equal(await store.requeue(operation.job.id, "main/two", START), false);
      assert.equal(await store.requeue(operation.job.id, "main/one", START), true);
      assert.equal(await store.requeue(operation.job.id, "main/one", START), false);
      const queued = await again(operation);
      assert.equal(queued?.stage, Stage.QUEUED);
      assert.equal(queued?.job.queuedAt, START);
      assert.equal(queued?.job.session, undefined);
      assert.equal(queued?.job.worker, "bot");
      assert.deepEqual(await store.leasedJobs("main/one"), []);

      const [job] = await lease("main/two");
      assert.equal(job?.id, operation.job.id);
      assert.equal(job?.attempts, 2);
      assert.equal(job?.startedAt, undefined);
      assert.equal(job?.partialMetadata, undefined);
    });

    test("completing a job ends all its live operations with the outcome", async (t) => {
      const { store, submit, lease, again } = await openFarm(t, backend);
      const first = await submit({ action: "same" });
      const second = await submit({ action: "same" });
      await lease("main/one");
      await store.reportProgress(first.job.id, "main/one", bytes("progress"), START + 20);
      const end = outcome({ exitCode: 3, response: "done" });
      const complete = (session: string | undefined) =>
        store.complete({
          ...{ jobId: first.job.id, session, outcome: end, now: START + 30 },
          ...{ actionResult: undefined, startedAt: START + 21 },
        });
      assert.equal(await complete("main/two"), false);
      assert.equal(await complete("main/one"), true);
      assert.equal(await complete("main/one"), false);
      assert.equal(await complete(undefined), false);
      for (const operation of [first, second]) {
        const ended = await again(operation);
        assert.equal(ended?.stage, Stage.COMPLETED);
        assert.equal(ended?.cancelled, false);
        assert.equal(ended?.completedAt, START + 30);
        assert.deepEqual(ended?.job.outcome, end);
        assert.equal(ended?.job.startedAt, START + 21);
        assert.equal(ended?.job.session, undefined);
        assert.deepEqual(ended?.job.partialMetadata, bytes("progress"));
      }
      assert.equal(await store.requeue(first.job.id, "main/one", START), false);
      assert.equal(await store.reportProgress(first.job.id, "main/one", bytes("late"), undefined), false);
      assert.deepEqual(await lease("main/one"), []);
    });

    test("the server can end a job in any live stage, and a missing one not at all", async (t) => {
      const { store, submit, lease } = await openFarm(t, backend);
      const running = await submit();
      await lease("main/one");
      await store.reportProgress(running.job.id, "main/one", bytes(""), START + 20);
      const queued = await submit();
      assert.equal(await completeJob(store, running.job.id), true);
      assert.equal((await store.getJob(running.job.id))?.startedAt, START + 20);
      assert.equal(await completeJob(store, queued.job.id), true);
      assert.equal(await completeJob(store, "missing"), false);
      assert.deepEqual(await store.liveJobs(undefined), []);
    });

    test("a completion brings its result into the action cache, unless the job must not be cached", async (t) => {
      const { store, submit } = await openFarm(t, backend);
      for (const cacheable of [true, false]) {
        const { job } = await submit({ cacheable });
        await store.complete({
          ...{ jobId: job.id, session: undefined, outcome: outcome(), startedAt: undefined, now: START },
          actionResult: bytes("result"),
        });
        const kept = await store.getActionResult("main", job.action, START);
        assert.deepEqual(kept, cacheable ? bytes("result") : undefined);
      }
    });

    test("a completion that came late leaves the action cache alone", async (t) => {
      const { store, submit } = await openFarm(t, backend);
      const { job } = await submit();
      const end = { jobId: job.id, session: undefined, outcome: outcome(), startedAt: undefined, now: START };
      await store.complete({ ...end, actionResult: undefined });
      assert.equal(await store.complete({ ...end, actionResult: bytes("late") }), false);
      assert.equal(await store.getActionResult("main", job.action, START), undefined);
    });

    test("the live jobs of one instance, or of all, are those that have not ended", async (t) => {
      const { store, submit, lease } = await openFarm(t, backend);
      const ids = (jobs: readonly { id: string }[]) => jobs.map(({ id }) => id).sort();
      const running = await submit();
      await lease();
      const queued = await submit();
      const elsewhere = await submit({ instance: "other" });
      const done = await submit();
      await completeJob(store, done.job.id);
      assert.deepEqual(ids(await store.liveJobs("main")), ids([running.job, queued.job]));
      assert.deepEqual(ids(await store.liveJobs(undefined)), ids([running.job, queued.job, elsewhere.job]));
      assert.deepEqual(await store.liveJobs("none"), []);
    });

    test("overdue jobs are those that run longer than their timeout and the allowance", async (t) => {
      const { store, submit, lease } = await openFarm(t, backend);
      const short = await submit({ timeoutMs: 100 });
      const long = await submit({ timeoutMs: 500 });
      await lease("main/one", 2);
      await submit({ timeoutMs: 1 });
      const overdue = async (now: number, limit = 10) => (await store.overdueJobs(now, 50, limit)).map(({ id }) => id);
      const assigned = START + 10;
      assert.deepEqual(await overdue(assigned + 150), []);
      assert.deepEqual(await overdue(assigned + 151), [short.job.id]);
      assert.deepEqual(await overdue(assigned + 551), [short.job.id, long.job.id]);
      assert.deepEqual(await overdue(assigned + 551, 1), [short.job.id]);
    });

    test("jobs that wait too long are the queued ones of the instance, oldest first", async (t) => {
      const { store, submit, lease } = await openFarm(t, backend);
      await submit({ now: START - 9 });
      await lease();
      const second = await submit({ now: START + 2 });
      const first = await submit({ now: START + 1 });
      await submit({ now: START + 3 });
      await submit({ now: START, instance: "other" });
      const waiting = async (limit: number) =>
        (await store.jobsQueuedBefore("main", START + 3, limit)).map(({ id }) => id);
      assert.deepEqual(await waiting(10), [first.job.id, second.job.id]);
      assert.deepEqual(await waiting(1), [first.job.id]);
    });

    test("what ended before a time goes, the oldest first, with jobs that nobody else wants", async (t) => {
      const { store, submit, again } = await openFarm(t, backend);
      const first = await submit({ action: "same" });
      const second = await submit({ action: "same" });
      const other = await submit({ instance: "other" });
      const live = await submit();
      await store.cancelOperation(first, CANCELLED, START + 10);
      await completeJob(store, second.job.id, START + 20);
      await completeJob(store, other.job.id, START + 5);
      assert.equal(await store.pruneOperations("main", START + 10, 5), 0);
      assert.equal(await store.pruneOperations("main", START + 30, 1), 1);
      assert.deepEqual([await again(first), (await again(second))?.id], [undefined, second.id]);
      assert.ok(await store.getJob(first.job.id));
      assert.equal(await store.pruneOperations("main", START + 30, 5), 1);
      assert.equal(await store.getJob(first.job.id), undefined);
      assert.ok((await again(other)) && (await again(live)));
    });
  });
}
