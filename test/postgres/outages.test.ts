import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, StatusError } from "../../src/base/errors.ts";
import { submission } from "../helpers/farm.ts";
import { openPostgres, openReplicas } from "../helpers/open-postgres.ts";
import { holdJob, sharedPostgres, startPostgres } from "../helpers/postgres.ts";
import { runSql } from "../helpers/postgres-server.ts";
import { until } from "../helpers/until.ts";

const isUnavailable = (error: unknown) =>
  error instanceof StatusError && error.code === Code.Unavailable && error.details.length === 1;

test("while the database is away calls are UNAVAILABLE, afterwards they work, and what was acknowledged is there", async (t) => {
  const server = await startPostgres();
  const url = await server.createDatabase();
  const [store, other] = await openReplicas(t, url, 2);
  assert.ok(store && other);
  const kept: string[] = [];
  const failures: unknown[] = [];
  let busy = true;
  const clients = Array.from({ length: 8 }, async (_, i) => {
    while (busy) {
      try {
        kept.push((await (i % 2 ? store : other).submit(submission())).operation.id);
      } catch (error) {
        failures.push(error);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  });
  await until(() => kept.length > 50);
  await server.stop();
  const stopped = kept.length;
  await until(() => failures.length > 30);
  await server.start();
  await until(() => kept.length > stopped + 50, "submissions after the outage");
  busy = false;
  await Promise.all(clients);
  assert.deepEqual(failures.filter((error) => !isUnavailable(error)).slice(0, 3), []);
  const known = new Set((await store.liveOperations()).map(({ id }) => id));
  assert.deepEqual(
    kept.filter((id) => !known.has(id)),
    [],
  );

  // The listening connections come back as well.
  let woken = 0;
  await until(async () => {
    const stop = other.onChange(() => {
      woken += 1;
    });
    await store.submit(submission());
    await new Promise((resolve) => setTimeout(resolve, 50));
    stop();
    return woken > 0;
  }, "a notice");
});

test("a listening connection that is cut is made anew, and who listens is woken for what was missed", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const [one, two] = await openReplicas(t, url, 2);
  assert.ok(one && two);
  const listeners = () =>
    runSql(
      url,
      "SELECT pid FROM pg_stat_activity WHERE application_name = 'opgrid notices' AND datname = current_database()",
    );
  const before = (await listeners()).flat();
  assert.equal(before.length, 2);
  let woken = 0;
  t.after(
    two.onChange(() => {
      woken += 1;
    }),
  );
  await runSql(url, `SELECT pg_terminate_backend(pid) FROM unnest(ARRAY[${before.join()}]) AS listener (pid)`);
  await one.submit(submission());
  await until(() => woken > 0, "a wake");
  await until(async () => (await listeners()).flat().filter((pid) => !before.includes(pid)).length === 2);
  const seen = woken;
  const from = performance.now();
  await one.submit(submission());
  await until(() => woken > seen, "a notice");
  assert.ok(performance.now() - from < 1000);
});

test("connections that the server ends are replaced without anybody noticing", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const store = await openPostgres(t, { url });
  await Promise.all(Array.from({ length: 10 }, () => store.submit(submission())));
  const [[ended] = []] = await runSql(
    url,
    `SELECT count(pg_terminate_backend(pid))::int FROM pg_stat_activity
     WHERE application_name = 'opgrid' AND datname = current_database()`,
  );
  assert.ok(Number(ended) > 1);
  await until(async () => {
    const sql = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'opgrid' AND datname = current_database()";
    return (await runSql(url, sql)).length === 0;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  await Promise.all(Array.from({ length: 10 }, () => store.submit(submission())));
});

test("a statement that takes too long is UNAVAILABLE, and so is waiting too long for a connection", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const store = await openPostgres(t, { url, maxConnections: 1, statementTimeoutMs: 300, connectTimeoutMs: 200 });
  const { operation } = await store.submit(submission({ action: "same" }));
  const release = await holdJob(url, operation.job.id);
  const first = store.submit(submission({ action: "same" }));
  const second = new Promise((resolve) => setTimeout(resolve, 20)).then(() => store.getOperation(operation));
  for (const result of await Promise.allSettled([first, second])) {
    assert.ok(result.status === "rejected" && isUnavailable(result.reason), String(result.status));
  }
  await release();
  assert.equal((await store.submit(submission({ action: "same" }))).merged, true);
});

test("a store that is closed says so", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const store = await openPostgres(t, { url });
  const pending = store.submit(submission());
  await store[Symbol.asyncDispose]();
  await pending;
  await assert.rejects(store.submit(submission()), isUnavailable);
});
