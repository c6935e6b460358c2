import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "../../src/base/log.ts";
import { openDatabase } from "../../src/store/postgres/database.ts";
import { sharedPostgres } from "../helpers/postgres.ts";
import { runSql } from "../helpers/postgres-server.ts";

const limits = { maxConnections: 4, statementTimeoutMs: 5000, connectTimeoutMs: 5000, log: silentLog };
const ONE = { name: "one", text: "SELECT $1::int" };

test("statements whose preparation got lost are run again without", async () => {
  const url = await (await sharedPostgres()).createDatabase();
  await using db = openDatabase({ url, ...limits });
  const all = () => Promise.all(Array.from({ length: 8 }, () => db.query<[number]>(ONE, [7])));
  assert.deepEqual(new Set((await all()).flat(2)), new Set([7]));
  await Promise.all(Array.from({ length: 8 }, () => db.query("DEALLOCATE ALL")));
  assert.deepEqual(new Set((await all()).flat(2)), new Set([7]));
  assert.deepEqual(new Set((await all()).flat(2)), new Set([7]));
});

test("of two transactions that wait for each other one is run again", async () => {
  const url = await (await sharedPostgres()).createDatabase();
  await runSql(url, "CREATE TABLE pair (id int PRIMARY KEY, count int)", "INSERT INTO pair VALUES (1, 0), (2, 0)");
  await using db = openDatabase({ url, ...limits });
  let runs = 0;
  const both = (first: number, second: number) =>
    db.transaction(async (tx) => {
      runs += 1;
      for (const id of [first, second]) {
        await tx.query("UPDATE pair SET count = count + 1 WHERE id = $1", [id]);
        await tx.query("SELECT pg_sleep(0.1)");
      }
    });
  await Promise.all([both(1, 2), both(2, 1)]);
  assert.ok(runs > 2);
  assert.deepEqual(await db.query("SELECT count FROM pair"), [[2], [2]]);
});

test("a transaction that fails leaves nothing, and its connection can be used again", async () => {
  const url = await (await sharedPostgres()).createDatabase();
  await runSql(url, "CREATE TABLE t (id int PRIMARY KEY)");
  await using db = openDatabase({ url, ...limits, maxConnections: 1 });
  await assert.rejects(
    db.transaction(async (tx) => {
      await tx.query("INSERT INTO t VALUES (1)");
      await tx.query("INSERT INTO t VALUES (1)");
    }),
    { code: "23505" },
  );
  assert.deepEqual(await db.query("SELECT * FROM t"), []);
});

test("numbers beyond 32 bits, bytes and NULs in texts go there and back", async () => {
  const url = await (await sharedPostgres()).createDatabase();
  await using db = openDatabase({ url, ...limits });
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const sent = [2 ** 53 - 1, bytes, "a\0b", ["x\0", "ü"]];
  const [row] = await db.query("SELECT $1::bigint, $2::bytea, $3::text, $4::text[]", sent);
  assert.deepEqual(row, [2 ** 53 - 1, bytes, "a\ufffdb", ["x\ufffd", "ü"]]);
});
