import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { submission } from "../helpers/farm.ts";
import { openPostgres, openReplicas } from "../helpers/open-postgres.ts";
import { sharedPostgres } from "../helpers/postgres.ts";
import { asAdmin, freePort, runSql } from "../helpers/postgres-server.ts";

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
