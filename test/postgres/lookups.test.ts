import assert from "node:assert/strict";
import { test } from "node:test";
import type { OperationRecord } from "../../src/operations/operations.ts";
import { submission } from "../helpers/farm.ts";
import { openReplicas } from "../helpers/open-postgres.ts";
import { sharedPostgres } from "../helpers/postgres.ts";
import { runSql } from "../helpers/postgres-server.ts";

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

test("many operations that are read at once are each the right one, new or known, there or not", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const [store, other] = await openReplicas(t, url, 2);
  assert.ok(store && other);
  const made: { operation: OperationRecord }[] = await Promise.all(range(300).map(() => store.submit(submission())));
  const keys = made.flatMap(({ operation: { instance, id } }) => [
    { instance, id },
    { instance: "other", id },
    { instance, id: `${id}\0` },
  ]);
  for (const round of range(3)) {
    const found: (OperationRecord | undefined)[] = await Promise.all(keys.map((key) => store.getOperation(key)));
    for (const [i, { operation }] of made.entries()) {
      assert.deepEqual(found[i * 3]?.id, operation.id, `round ${round}`);
      assert.equal(found[i * 3 + 1], undefined);
      assert.equal(found[i * 3 + 2], undefined);
    }
  }
});

test("an operation that is read again is the same object until another process changes it", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const [store, other] = await openReplicas(t, url, 2);
  assert.ok(store && other);
  const { operation } = await store.submit(submission());
  const first = await store.getOperation(operation);
  assert.equal(await store.getOperation(operation), first);
  await other.markPolled(operation);
  const second = await store.getOperation(operation);
  assert.equal(second?.polled, true);
  assert.equal(await store.getOperation(operation), second);
  await other.deleteOperation(operation);
  assert.equal(await store.getOperation(operation), undefined);
});

test("when the database fails, all that are read together are told", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const [store] = await openReplicas(t, url, 1);
  assert.ok(store);
  const { operation } = await store.submit(submission());
  await runSql(url, "ALTER TABLE operations RENAME TO elsewhere");
  const results = await Promise.allSettled(range(20).map(() => store.getOperation(operation)));
  assert.deepEqual(new Set(results.map(({ status }) => status)), new Set(["rejected"]));
  await runSql(url, "ALTER TABLE elsewhere RENAME TO operations");
  assert.equal((await store.getOperation(operation))?.id, operation.id);
});
