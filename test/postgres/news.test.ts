import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import pg from "pg";
import type { News, Store } from "../../src/store/store.ts";
import { completeJob, START, submission } from "../helpers/farm.ts";
import { openReplicas } from "../helpers/open-postgres.ts";
import { sharedPostgres } from "../helpers/postgres.ts";
import { until } from "../helpers/until.ts";

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

async function openTwo(t: TestContext) {
  const url = await (await sharedPostgres()).createDatabase();
  const [one, two] = await openReplicas(t, url, 2);
  assert.ok(one && two);
  return { url, one, two };
}

/** Reads on and answers what there is. */
async function reader(store: Store, limit = 1000) {
  let position = await store.changePosition();
  return async (): Promise<News> => {
    const news = (await store.shared?.newsAfter(position, limit)) ?? assert.fail("lost");
    position = news.position;
    return news;
  };
}

test("what a process does itself is no news to it, and is to others", async (t) => {
  const { one, two } = await openTwo(t);
  const [own, foreign] = [await reader(one), await reader(two)];
  const made = await one.submit(submission());
  const { job } = made.operation;
  assert.deepEqual((await own()).jobs, []);
  const told = await foreign();
  assert.deepEqual(told.jobs, [job.id]);
  const platforms = await two.platforms(0);
  assert.deepEqual(
    [...told.queued].map(([jobId, platform]) => [jobId, platforms.find(({ id }) => id === platform)?.properties]),
    [[job.id, job.platform]],
  );
  await completeJob(two, job.id, START + 1);
  assert.deepEqual((await foreign()).jobs, []);
  const end = await own();
  assert.deepEqual([end.jobs, end.queued.size], [[job.id], 0]);
});

test("a change of another process is news although this one has joined the job since", async (t) => {
  const { one, two } = await openTwo(t);
  const first = await one.submit(submission());
  const own = await reader(one);
  await two.cancelOperation(
    first.operation,
    { statusCode: 1, exitCode: undefined, cached: false, response: Buffer.of() },
    1,
  );
  await one.submit(submission());
  assert.ok((await own()).jobs.includes(first.operation.job.id));
});

test("many read all news of each other in pages, those included that commit late", async (t) => {
  const { url, one, two } = await openTwo(t);
  const late = new pg.Client({ connectionString: url });
  await late.connect();
  t.after(() => late.end());
  const slow = (await two.submit(submission())).operation;
  const next = await reader(one, 7);
  await late.query("BEGIN");
  await late.query("UPDATE operations SET changed = pg_current_xact_id()::text::bigint WHERE id = $1", [slow.id]);
  const made = await Promise.all(range(100).map((i) => (i % 2 === 0 ? one : two).submit(submission())));
  assert.deepEqual((await next()).jobs, []);
  await late.query("COMMIT");
  const told = new Set<string>();
  await until(async () => {
    for (const id of (await next()).jobs) told.add(id);
    return told.size >= 51;
  });
  const foreign = made.filter((_, i) => i % 2 === 1).map(({ operation }) => operation.job.id);
  assert.deepEqual(told, new Set([slow.job.id, ...foreign]));
});

test("a position of another database tells that all may have changed", async (t) => {
  const [{ one }, { one: other }] = [await openTwo(t), await openTwo(t)];
  assert.equal(await one.shared?.newsAfter(await other.changePosition(), 10), undefined);
  assert.equal(await one.shared?.newsAfter("elsewhere.1.1", 10), undefined);
});
