import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import { isDone, type OperationRecord, Stage } from "../../src/operations/operations.ts";
import type { Store } from "../../src/store/store.ts";
import { CANCELLED, completeJob, outcome, START, session, submission } from "../helpers/farm.ts";
import { openPostgres, openReplicas } from "../helpers/open-postgres.ts";
import { holdJob, sharedPostgres } from "../helpers/postgres.ts";
import { runSql } from "../helpers/postgres-server.ts";

const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const pick = <T>(from: readonly T[], i: number): T => from[i % from.length] ?? assert.fail();

/** What must be true of the rows whatever has happened. */
async function assertSound(url: string): Promise<void> {
  const wrong = await runSql(
    url,
    `SELECT 'count', id FROM jobs j WHERE operations <> (SELECT count(*) FROM operations o WHERE o.job_id = j.id)
     UNION ALL SELECT 'stage', o.id FROM operations o JOIN jobs j ON j.id = o.job_id
       WHERE o.stage <> j.stage AND o.cancelled = 0
     UNION ALL SELECT 'left alone', id FROM jobs j WHERE stage < 4 AND operations > 0
       AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.job_id = j.id AND o.completed_at IS NULL)
     UNION ALL SELECT 'forgotten', id FROM jobs WHERE stage = 4 AND operations = 0`,
  );
  assert.deepEqual(wrong, []);
}

test("many bots on several replicas get each job once, and none is left", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const replicas = await openReplicas(t, url, 4);
  const platforms = range(3).map((n) => [{ name: "pool", value: `${n}` }]);
  await Promise.all(
    range(300).map((i) => pick(replicas, i).submit(submission({ platform: pick(platforms, i), priority: i % 5 }))),
  );
  const ids = (await pick(replicas, 0).platforms(0)).map(({ id }) => id);
  assert.equal(ids.length, 3);
  const taken: string[] = [];
  const bots = range(32).map(async (bot) => {
    const store = pick(replicas, bot);
    const name = `main/${bot}`;
    await store.putSession(session({ name, botId: name }));
    for (;;) {
      const jobs = await store.claim({
        session: name,
        worker: name,
        platforms: ids,
        limit: 1 + (bot % 3),
        now: START + 1,
      });
      if (jobs.length === 0) return;
      taken.push(...jobs.map(({ id }) => id));
      assert.deepEqual(
        jobs.map(({ session }) => session),
        jobs.map(() => name),
      );
    }
  });
  await Promise.all(bots);
  assert.equal(taken.length, 300);
  assert.equal(new Set(taken).size, 300);
  await assertSound(url);
});

test("claims of several replicas at once take what is most urgent, and lock nothing else", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const replicas = await openReplicas(t, url, 4);
  const [store] = replicas;
  await Promise.all(range(100).map((i) => pick(replicas, i).submit(submission({ priority: (i * 37) % 100 }))));
  const platforms = (await pick(replicas, 0).platforms(0)).map(({ id }) => id);
  const name = "main/bot";
  await store?.putSession(session({ name, capacity: 100 }));
  const claims = range(20).map((i) =>
    pick(replicas, i).claim({ session: name, worker: "bot", platforms, limit: 2, now: START + 1 }),
  );
  const taken = (await Promise.all(claims)).flat().map(({ priority }) => priority);
  assert.deepEqual(
    taken.toSorted((a, b) => a - b),
    range(40),
  );
});

test("to find an empty queue writes nothing, and waits for nobody who hands out jobs", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const [busy, store] = await openReplicas(t, url, 2);
  assert.ok(busy && store);
  const [{ operation }, platforms] = [await busy.submit(submission()), await busy.platforms(0)];
  await busy.putSession(session({ name: "main/bot" }));
  const ids = platforms.map(({ id }) => id);
  const claim = (by: Store) =>
    by.claim({ session: "main/bot", worker: "bot", platforms: ids, limit: 1, now: START + 1 });
  assert.deepEqual(
    (await claim(busy)).map(({ id }) => id),
    [operation.job.id],
  );
  // To tell others of the changes so far is a transaction too, and has been done by then.
  await busy[Symbol.asyncDispose]();
  const nextTransaction = async () => (await runSql(url, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"))[0];
  const before = await nextTransaction();
  const holder = new pg.Client({ connectionString: url });
  t.after(() => holder.end());
  await holder.connect();
  await holder.query("SELECT pg_advisory_lock(730890, hashtext($1::int[]::text))", [ids]);
  assert.deepEqual(await claim(store), []);
  assert.deepEqual(await nextTransaction(), before);
});

test("of many submissions of few actions on several replicas each action has one job, as urgent as the most urgent", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const replicas = await openReplicas(t, url, 3);
  const results = await Promise.all(
    range(200).map((i) => pick(replicas, i).submit(submission({ action: `${i % 4}`, priority: (i * 37) % 101 }))),
  );
  assert.equal(results.filter(({ merged }) => !merged).length, 4);
  const jobs = await pick(replicas, 0).liveJobs("main");
  assert.equal(jobs.length, 4);
  for (const { id, priority } of jobs) {
    const wishes = range(200).filter((i) => results[i]?.operation.job.id === id);
    assert.equal(priority, Math.min(...wishes.map((i) => (i * 37) % 101)));
    assert.equal((await pick(replicas, 1).history(id)).length, 1 + wishes.length);
  }
  await assertSound(url);
});

test("whatever races on few jobs, each operation ends once and nothing is left behind", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const replicas = await openReplicas(t, url, 3);
  await pick(replicas, 0).putSession(session());
  const ended = new Map<string, OperationRecord>();
  for (let round = 0; round < 25; round++) {
    const first = range(6).map((i) => pick(replicas, i).submit(submission({ action: `${i % 3}`, priority: 5 })));
    const operations = (await Promise.all(first)).map(({ operation }) => operation);
    const steps = range(40).map((i) => step(pick(replicas, i), { i: i + round, round, operations }));
    for (const result of await Promise.allSettled(steps)) {
      assert.equal(result.status, "fulfilled", String(result.status === "rejected" && result.reason));
    }
    for (const operation of operations) {
      const now = await pick(replicas, round).getOperation(operation);
      const before = ended.get(operation.id);
      if (before) assert.deepEqual(now, before);
      else if (now && isDone(now) && now.job.stage === Stage.COMPLETED) ended.set(now.id, now);
    }
    await assertSound(url);
  }
  assert.ok(ended.size > 10, `${ended.size} ended`);
});

/** One random step on a few jobs, each of which many others take steps on at the same time. */
async function step(
  store: Store,
  { i, round, operations }: { i: number; round: number; operations: OperationRecord[] },
): Promise<void> {
  const now = START + i;
  const job = operations[(i * 7) % Math.max(1, operations.length)]?.job;
  const operation = operations[(i * 5) % Math.max(1, operations.length)];
  const kind = (i * 13 + round) % 10;
  if (kind < 4 || !job || !operation) {
    operations.push((await store.submit(submission({ action: `${i % 3}`, priority: i % 7, now }))).operation);
  } else if (kind === 4) await store.cancelOperation(operation, CANCELLED, now);
  else if (kind === 5) await store.deleteOperation(operation);
  else if (kind === 6) await completeJob(store, job.id, now);
  else if (kind === 7) {
    await store.claim({ session: "main/bot-session", worker: "bot", platforms: [1], limit: 2, now });
  } else if (kind === 8) {
    const reason = { by: "server", identity: undefined, reason: "" } as const;
    await store.killJob(operation, outcome(), now, reason);
    await store.pruneOperations("main", START + 1000, 3);
  } else {
    await store.reportProgress(job.id, "main/bot-session", new Uint8Array([i]), now);
    await store.requeue(job.id, "main/bot-session", now);
  }
}

test("a session that gets a job while it is deleted stays, or gets none", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const [one, two] = await openReplicas(t, url, 2);
  assert.ok(one && two);
  for (const i of range(30)) {
    const name = `main/${i}`;
    await one.submit(submission());
    await one.putSession(session({ name }));
    const [jobs, deleted]: [unknown[], boolean] = await Promise.all([
      one.claim({ session: name, worker: "bot", platforms: [1], limit: 1, now: START }),
      two.deleteSession(name),
    ]);
    assert.equal(deleted, jobs.length === 0);
    assert.equal((await two.getSession(name)) === undefined, deleted);
  }
});

test("platforms appear in the order of their ids, so that who knows the last knows all", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const replicas = await openReplicas(t, url, 3);
  const seen: number[] = [];
  let done = false;
  const reader = (async () => {
    while (!done) seen.push(...(await pick(replicas, 0).platforms(seen.at(-1) ?? 0)).map(({ id }) => id));
  })();
  await Promise.all(
    range(120).map((i) => pick(replicas, i).submit(submission({ platform: [{ name: "pool", value: `${i % 60}` }] }))),
  );
  done = true;
  await reader;
  seen.push(...(await pick(replicas, 0).platforms(seen.at(-1) ?? 0)).map(({ id }) => id));
  assert.equal(seen.length, 60);
});

test("what others hold locked is passed over and not waited for", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const store = await openPostgres(t, { url });
  const [first, second] = [await store.submit(submission()), await store.submit(submission())];
  await store.putSession(session());
  const claim = () => store.claim({ session: "main/bot-session", worker: "bot", platforms: [1], limit: 1, now: START });
  const release = await holdJob(url, first.operation.job.id);
  assert.deepEqual(
    (await claim()).map(({ id }) => id),
    [second.operation.job.id],
  );
  await release();
  assert.deepEqual(
    (await claim()).map(({ id }) => id),
    [first.operation.job.id],
  );
});
