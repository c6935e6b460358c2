import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { migrationTexts } from "../helpers/migration-texts.ts";
import { temporaryDir } from "../helpers/open-store.ts";
import { startServer } from "../helpers/start-server.ts";
import { runCli } from "./run-cli.ts";

const { pending, applied, already } = migrationTexts("sqlite");

test("migrate brings the database of a data directory forward and says what it did", async (t) => {
  const directory = join(await temporaryDir(t), "data");
  const flags = ["--data-dir", directory];
  assert.deepEqual(await runCli(["migrate", "--dry-run", ...flags]), { code: 0, out: pending, err: "" });
  assert.equal(existsSync(directory), false);
  assert.deepEqual(await runCli(["migrate", ...flags]), { code: 0, out: applied, err: "" });
  for (const more of [[], ["--dry-run"]])
    assert.deepEqual(await runCli(["migrate", ...more, ...flags]), { code: 0, out: already, err: "" });
  const { dataDir } = await startServer(t, { "data-dir": directory });
  assert.equal(dataDir, directory);
});

test("migrate leaves the data directory of a running server alone, of which a dry run tells", async (t) => {
  const { dataDir } = await startServer(t);
  const { code, out, err } = await runCli(["migrate", "--data-dir", dataDir]);
  assert.deepEqual({ code, out }, { code: 1, out: "" });
  assert.match(err, /^error: the data directory .* is in use by another opgrid process\n$/);
  assert.deepEqual(await runCli(["migrate", "--dry-run", "--data-dir", dataDir]), { code: 0, out: already, err: "" });
});

test("migrate refuses a database of a newer version, also to tell what it would do", async (t) => {
  const directory = await temporaryDir(t);
  await runCli(["migrate", "--data-dir", directory]);
  const db = new DatabaseSync(join(directory, "opgrid.db"));
  db.exec("INSERT INTO migrations (id, name, applied_at) VALUES (9000, '9000_later.sql', 0)");
  db.close();
  for (const more of [[], ["--dry-run"]]) {
    const { code, err } = await runCli(["migrate", ...more, "--data-dir", directory]);
    assert.equal(code, 1);
    assert.match(err, /^error: the database .*opgrid\.db has schema 9000, .* newer version/);
  }
});

test("migrate takes settings as serve does, and complains of them in the same way", async (t) => {
  const directory = await temporaryDir(t);
  const env = { OPGRID_DATA_DIR: directory };
  const { code } = await runCli(["migrate", "--listen", "127.0.0.1:1"], { env });
  assert.deepEqual([code, existsSync(join(directory, "opgrid.db"))], [0, true]);
  const wrong = await runCli(["migrate", "--store", "mysql://x", "--nonsense", "1"], { env });
  assert.equal(wrong.code, 2);
  for (const problem of [/ --store: /, / --nonsense: is not a flag/]) assert.match(wrong.err, problem);
  assert.equal((await runCli(["migrate", "main"], { env })).code, 2);
});
