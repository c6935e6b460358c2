import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { silentLog } from "../../src/base/log.ts";
import { migrate } from "../../src/store/sqlite/migrations.ts";
import { createSqliteStore } from "../../src/store/store.ts";
import { openStore, temporaryDir } from "../helpers/open-store.ts";

async function directory(t: TestContext, files: Record<string, string>): Promise<URL> {
  const path = await temporaryDir(t);
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
  return pathToFileURL(`${path}/`);
}

function memory(t: TestContext): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  t.after(() => db.close());
  return db;
}

function applied(db: DatabaseSync): unknown[] {
  return db
    .prepare("SELECT name FROM migrations ORDER BY id")
    .all()
    .map(({ name }) => name);
}

test("migrations run once each, in order, and later ones follow", async (t) => {
  const db = memory(t);
  const first = { "0001_a.sql": "CREATE TABLE a (x); CREATE TABLE b (y);", "README.md": "not a migration" };
  migrate(db, await directory(t, first), 1);
  migrate(db, await directory(t, first), 2);
  migrate(db, await directory(t, { ...first, "0002_b.sql": "ALTER TABLE a ADD COLUMN z;" }), 3);
  assert.deepEqual(applied(db), ["0001_a.sql", "0002_b.sql"]);
  db.exec("INSERT INTO a (x, z) VALUES (1, 2)");
});

test("a migration that fails leaves no trace", async (t) => {
  const db = memory(t);
  const broken = await directory(t, {
    "0001_a.sql": "CREATE TABLE a (x);",
    "0002_b.sql": "CREATE TABLE b (y); nonsense;",
  });
  assert.throws(() => migrate(db, broken, 1), /migration 0002_b.sql .* failed/);
  assert.deepEqual(applied(db), ["0001_a.sql"]);
  assert.throws(() => db.exec("SELECT * FROM b"), /no such table/);
});

test("a gap in the numbers is refused", async (t) => {
  const gap = await directory(t, { "0001_a.sql": "", "0003_c.sql": "" });
  assert.throws(() => migrate(memory(t), gap, 1), /0003_c.sql: expected the migration 2/);
});

test("a database of a newer version is refused in words", async (t) => {
  const dataDir = await temporaryDir(t);
  const store = await openStore(t, "sqlite", { dataDir });
  await store[Symbol.asyncDispose]();
  const db = new DatabaseSync(join(dataDir, "opgrid.db"));
  db.exec("INSERT INTO migrations (id, name, applied_at) VALUES (9000, '9000_later.sql', 0)");
  db.close();
  await assert.rejects(createSqliteStore({ dataDir, log: silentLog }), /opgrid.db has schema 9000, .* newer version/);
});

test("a newer schema whose unknown migrations are all compatible is taken as it is", async (t) => {
  const dataDir = await temporaryDir(t);
  await (await openStore(t, "sqlite", { dataDir }))[Symbol.asyncDispose]();
  const db = new DatabaseSync(join(dataDir, "opgrid.db"));
  t.after(() => db.close());
  db.exec("INSERT INTO migrations (id, name, applied_at) VALUES (9000, '9000_later.compatible.sql', 0)");
  await (await openStore(t, "sqlite", { dataDir }))[Symbol.asyncDispose]();
  db.exec("INSERT INTO migrations (id, name, applied_at) VALUES (9001, '9001_breaking.sql', 0)");
  db.exec("INSERT INTO migrations (id, name, applied_at) VALUES (9002, '9002_fine.compatible.sql', 0)");
  const refusal = /opgrid.db has schema 9002, .* newer version, and 9001_breaking is not for older ones/;
  await assert.rejects(createSqliteStore({ dataDir, log: silentLog }), refusal);
});

test("the name of a compatible migration is kept as it is", async (t) => {
  const db = memory(t);
  const done: string[] = [];
  migrate(db, await directory(t, { "0001_a.sql": "", "0002_b.compatible.sql": "CREATE TABLE b (y)" }), 1, (name) => {
    done.push(name);
  });
  assert.deepEqual(done, ["0001_a.sql", "0002_b.compatible.sql"]);
  assert.deepEqual(applied(db), done);
});
