import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import pg from "pg";
import { silentLog } from "../../src/base/log.ts";
import { openDatabase } from "../../src/store/postgres/database.ts";
import { deletions } from "../../src/store/postgres/deletions.ts";
import type { ChangePosition, Store } from "../../src/store/store.ts";
import { completeJob, START, submission } from "../helpers/farm.ts";
import { openPostgres, openReplicas } from "../helpers/open-postgres.ts";
import { sharedPostgres } from "../helpers/postgres.ts";
import { runSql } from "../helpers/postgres-server.ts";
import { until } from "../helpers/until.ts";

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Reads on and answers the ids of what changed. */
function reader(store: Store, from: ChangePosition) {
  let position = from;
  return async (limit = 100): Promise<string[]> => {
    const ids: string[] = [];
    for (;;) {
      const page = await store.changesAfter(position, limit);
      assert.ok(page);
      if (page.changes.length === 0) return ids;
      position = page.position;
      ids.push(...page.changes.map((change) => (change.kind === "deleted" ? change.key.id : change.operation.id)));
    }
  };
}

async function connect(t: TestContext, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  t.after(() => client.end());
  return client;
}

test("a change that commits after a later one is not passed over, and its listeners are woken when it can be read", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const [store, other] = await openReplicas(t, url, 2);
  assert.ok(store && other);
  const slow = (await store.submit(submission())).operation;
  const next = reader(store, await store.changePosition());
  const late = await connect(t, url);
  await late.query("BEGIN");
  await late.query("UPDATE operations SET changed = pg_current_xact_id()::text::bigint WHERE id = $1", [slow.id]);
  const quick = (await other.submit(submission())).operation;
  assert.deepEqual(await next(), []);
  let woken = 0;
  t.after(
    store.onChange(() => {
      woken += 1;
    }),
  );
  const woken0 = woken;
  await next();
  await until(() => woken > woken0, "a wake although nobody changed anything");
  await late.query("COMMIT");
  assert.deepEqual((await next()).sort(), [slow.id, quick.id].sort());
});

test("readers miss nothing of what many replicas do at the same time", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const replicas = await openReplicas(t, url, 3);
  const [store] = replicas;
  assert.ok(store);
  const next = reader(store, await store.changePosition());
  const told = new Map<string, number>();
  const read = async () => {
    for (const id of await next(7)) told.set(id, (told.get(id) ?? 0) + 1);
  };
  let done = false;
  const reading = (async () => {
    while (!done) await read();
  })();
  const made = await Promise.all(
    range(400).map(async (i) => {
      const replica = replicas[i % 3] ?? assert.fail();
      const { operation } = await replica.submit(submission());
      if (i % 2 === 0) await completeJob(replica, operation.job.id, START + 1);
      if (i % 4 === 0) await replica.deleteOperation(operation);
      return operation.id;
    }),
  );
  done = true;
  await reading;
  await read();
  assert.deepEqual(new Set(told.keys()), new Set(made));
});

test("changes of one process wake who listens in another", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const [one, two] = await openReplicas(t, url, 2);
  assert.ok(one && two);
  let woken = 0;
  t.after(
    two.onChange(() => {
      woken += 1;
    }),
  );
  const from = performance.now();
  await one.submit(submission());
  await until(() => woken > 0, "a notice");
  assert.ok(performance.now() - from < 1000);
});

test("a position is refused when deletions after it are forgotten, and good until then", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const store = await openPostgres(t, { url });
  await using db = openDatabase({
    ...{ url, maxConnections: 1, statementTimeoutMs: 5000, connectTimeoutMs: 5000, log: silentLog },
  });
  const { deleteOperation, pruneOperations } = deletions(db, 10);
  const start = await store.changePosition();
  const operations = await Promise.all(range(30).map(() => store.submit(submission())));
  for (const { operation } of operations.slice(0, 5)) await deleteOperation(operation);
  assert.ok(await store.changesAfter(start, 100));
  const later = await store.changePosition();
  for (const { operation } of operations.slice(5, 12)) await deleteOperation(operation);
  assert.equal(await store.changesAfter(start, 100), undefined);
  assert.ok(await store.changesAfter(later, 100));
  for (const { operation } of operations.slice(12)) await completeJob(store, operation.job.id, START + 1);
  assert.equal(await pruneOperations("main", START + 2, 100), 18);
  assert.equal(await store.changesAfter(later, 100), undefined);
  assert.equal((await runSql(url, "SELECT count(*)::int FROM deleted_operations"))[0]?.[0], 10);
});

test("a copy of a database that comes from the future of its server starts its changes anew", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const store = await openPostgres(t, { url });
  const { operation } = await store.submit(submission());
  const before = await store.changePosition();
  await runSql(url, "UPDATE operations SET changed = changed + 1000000");
  const copy = await openPostgres(t, { url });
  assert.equal(await copy.changesAfter(before, 10), undefined);
  const next = reader(copy, await copy.changePosition());
  await completeJob(copy, operation.job.id);
  assert.deepEqual(await next(), [operation.id]);
});
