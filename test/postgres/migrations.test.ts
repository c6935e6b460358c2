import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { systemClock } from "../../src/base/clock.ts";
import { migrate } from "../../src/store/postgres/migrations.ts";
import { submission } from "../helpers/farm.ts";
import { openPostgres, openReplicas } from "../helpers/open-postgres.ts";
import { temporaryDir } from "../helpers/open-store.ts";
import { holdTable, sharedPostgres } from "../helpers/postgres.ts";
import { asAdmin, freePort, runSql } from "../helpers/postgres-server.ts";
import { until } from "../helpers/until.ts";

const names = readdirSync(new URL("../../src/store/migrations/postgres/", import.meta.url)).sort();

test("processes that start at once on an empty database make one schema", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const stores = await openReplicas(t, url, 6);
  await Promise.all(stores.map((store) => store.submit(submission())));
  const applied = await runSql(url, "SELECT id, name FROM migrations ORDER BY id");
  assert.deepEqual(
    applied,
    names.map((name, i) => [i + 1, name]),
  );
});

test("a database of a newer version is refused and left alone", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  await (await openPostgres(t, { url }))[Symbol.asyncDispose]();
  await runSql(url, `INSERT INTO migrations VALUES (${names.length + 1}, 'later.sql', 0)`);
  const refusal = new RegExp(`has schema ${names.length + 1}, this opgrid knows none after ${names.length}: .* newer`);
  await assert.rejects(openPostgres(t, { url }), refusal);
});

test("a database that is not in UTF-8 is refused", async (t) => {
  const { port } = await sharedPostgres();
  await asAdmin(port, "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
  const url = `postgres://opgrid@127.0.0.1:${port}/latin`;
  await assert.rejects(openPostgres(t, { url }), /must be in UTF8, not in LATIN1/);
});

test("a database that is not there keeps the store from opening", async (t) => {
  const { port } = await sharedPostgres();
  const none = (host: string) => openPostgres(t, { url: `postgres://opgrid:secret@${host}/none` });
  await assert.rejects(none(`127.0.0.1:${port}`), /database none on 127\.0\.0\.1:\d+: .*"none" does not exist/);
  const refused = /^Error: cannot connect to the database none on localhost:\d+: .*ECONNREFUSED/;
  await assert.rejects(none(`localhost:${await freePort()}`), refused);
});

test("a newer schema whose unknown migrations are all compatible is taken as it is", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  await (await openPostgres(t, { url }))[Symbol.asyncDispose]();
  await runSql(url, "INSERT INTO migrations VALUES (9000, '9000_later.compatible.sql', 0)");
  const store = await openPostgres(t, { url });
  await store.submit(submission());
  await runSql(
    url,
    "INSERT INTO migrations VALUES (9001, '9001_breaking.sql', 0), (9002, '9002_fine.compatible.sql', 0)",
  );
  const refusal = /has schema 9002, .* newer version, and 9001_breaking is not for older ones/;
  await assert.rejects(openPostgres(t, { url }), refusal);
  await store.submit(submission());
});

/** Migrates by the store's own migrations and more after them. */
async function migrateFurther(t: TestContext, url: string, ...more: string[]) {
  const path = await temporaryDir(t);
  for (const name of names) {
    const text = readFileSync(new URL(`../../src/store/migrations/postgres/${name}`, import.meta.url));
    await writeFile(join(path, name), text);
  }
  for (const [i, text] of more.entries()) {
    const number = String(names.length + 1 + i).padStart(4, "0");
    await writeFile(join(path, `${number}_more.sql`), text);
  }
  const events = { applied: [] as string[], waiting: [] as string[] };
  const run = migrate({ url, directory: pathToFileURL(`${path}/`), connectTimeoutMs: 5000 }, systemClock, {
    applied: (name) => void events.applied.push(name),
    waiting: (name) => void events.waiting.push(name),
  });
  return { events, run };
}

test("each migration is a step of its own: what was done before one that fails stays", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const { run, events } = await migrateFurther(t, url, "CREATE TABLE a (x int)", "CREATE TABLE b (x int); nonsense");
  await assert.rejects(run, /^MigrationError: migration 0\d+_more.sql failed: syntax error at or near "nonsense"/);
  assert.equal(events.applied.length, names.length + 1);
  const exist = await runSql(url, "SELECT to_regclass('a') IS NOT NULL, to_regclass('b') IS NOT NULL");
  assert.deepEqual(exist, [[true, false]]);
  const again = await migrateFurther(t, url, "CREATE TABLE a (x int)", "CREATE TABLE b (x int)");
  assert.equal(await again.run, names.length + 2);
  assert.equal(again.events.applied.length, 1);
});

test("a migration that waits for a table holds others up for two seconds at most, and comes through in the end", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const store = await openPostgres(t, { url });
  const letGo = await holdTable(url, "operations");
  t.after(letGo);
  const { run, events } = await migrateFurther(t, url, "ALTER TABLE operations ADD COLUMN extra int");
  let slowest = 0;
  const submitAll = async () => {
    while (events.waiting.length === 0 || slowest === 0) {
      const from = performance.now();
      await store.submit(submission());
      slowest = Math.max(slowest, performance.now() - from);
    }
  };
  await until(() => submitAll().then(() => true), "the migration to let others pass", 20_000);
  assert.ok(slowest < 3500, `${slowest} ms`);
  assert.equal(events.applied.length, 0);
  await letGo();
  assert.equal(await run, names.length + 1);
  assert.deepEqual(events.waiting, events.applied);
  await store.submit(submission());
});
