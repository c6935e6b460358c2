import assert from "node:assert/strict";
import { test } from "node:test";
import { runCli } from "../cli/run-cli.ts";
import { migrationTexts } from "../helpers/migration-texts.ts";
import { holdTable, sharedPostgres } from "../helpers/postgres.ts";
import { freePort, runSql } from "../helpers/postgres-server.ts";
import { startGrid } from "../services/grid.ts";

const { titles, pending, applied, already } = migrationTexts("postgres");

test("migrate brings a database forward and says what it did; a dry run changes nothing", async () => {
  const store = await (await sharedPostgres()).createDatabase();
  assert.deepEqual(await runCli(["migrate", "--dry-run", "--store", store]), {
    code: 0,
    out: pending,
    err: "",
  });
  assert.deepEqual(await runCli(["migrate", "--dry-run", "--store", store]), {
    code: 0,
    out: pending,
    err: "",
  });
  assert.deepEqual(await runCli(["migrate", "--store", store]), { code: 0, out: applied, err: "" });
  assert.deepEqual(await runCli(["migrate", "--store", store]), { code: 0, out: already, err: "" });
  assert.deepEqual(await runCli(["migrate", "--dry-run", "--store", store]), { code: 0, out: already, err: "" });
});

test("of several that migrate at once each migration is done by one", async () => {
  const store = await (await sharedPostgres()).createDatabase();
  const all = await Promise.all([1, 2, 3, 4].map(() => runCli(["migrate", "--store", store])));
  assert.deepEqual(
    all.map(({ code }) => code),
    [0, 0, 0, 0],
  );
  const lines = all.flatMap(({ out }) => out.trim().split("\n")).filter((line) => !line.startsWith("already"));
  assert.deepEqual(
    lines.sort(),
    titles.map((title) => `${title} applied`),
  );
});

test("migrate works while replicas run, and goes past a pooler by the direct URL", async (t) => {
  const direct = await (await sharedPostgres()).createDatabase();
  const grid = await startGrid(t, { store: direct });
  const nobody = `postgres://opgrid@127.0.0.1:${await freePort()}/opgrid`;
  const running = await grid.execute({ instanceName: "main", actionDigest: await grid.action() });
  const letGo = await holdTable(direct, "operations");
  t.after(letGo);
  const flags = ["--store", nobody, "--store-direct-url", direct];
  assert.deepEqual(await runCli(["migrate", ...flags]), { code: 0, out: already, err: "" });
  assert.equal((await grid.operations.getOperation({ name: running.name })).done, false);
  running.ended.catch(() => {});
  running.drop();
});

test("a newer schema is refused when it is breaking, and fine when it is not", async () => {
  const store = await (await sharedPostgres()).createDatabase();
  await runCli(["migrate", "--store", store]);
  await runSql(store, "INSERT INTO migrations VALUES (90, '0090_fine.compatible.sql', 0)");
  assert.deepEqual(await runCli(["migrate", "--store", store]), { code: 0, out: "already at 90\n", err: "" });
  await runSql(store, "INSERT INTO migrations VALUES (91, '0091_other.sql', 0)");
  for (const more of [[], ["--dry-run"]]) {
    const { code, err } = await runCli(["migrate", ...more, "--store", store]);
    assert.equal(code, 1);
    assert.match(err, /^error: the database has schema 91, .* newer version, and 0091_other is not for older ones\n$/);
  }
});

test("a database that does not answer is told with exit code 1, and without its password", async () => {
  const nobody = `postgres://opgrid:secret@127.0.0.1:${await freePort()}/farm`;
  const { code, out, err } = await runCli(["migrate", "--store", nobody]);
  assert.deepEqual({ code, out }, { code: 1, out: "" });
  assert.match(err, /^error: cannot connect to the database farm on 127\.0\.0\.1:\d+: .*ECONNREFUSED/);
  assert.doesNotMatch(err, /secret/);
});
