import assert from "node:assert/strict";
import { test } from "node:test";
import { spawnCli } from "../cli/run-cli.ts";
import { temporaryDir } from "../helpers/open-store.ts";
import { startPostgres } from "../helpers/postgres.ts";
import { until } from "../helpers/until.ts";

test("a password in the URL of the database shows in no line of a server, whatever happens to the database", async (t) => {
  const database = await startPostgres();
  const store = (await database.createDatabase()).replace("opgrid@", "opgrid:hunter2@");
  const flags = ["--listen", "127.0.0.1:0", "--bots", "0", "--log-level", "debug", "--data-dir", await temporaryDir(t)];
  const server = spawnCli(t, ["serve", "--store", store, ...flags]);
  await until(() => server.out().includes("opgrid is serving"), "the server to start", 20_000);
  await database.stop();
  await until(() => server.err().includes("cannot listen for changes"), "the outage to be noticed", 20_000);
  const url = /opgrid is serving on (\S+)/.exec(server.out())?.[1];
  await until(async () => (await fetch(`${url}/readyz`)).status === 503, "the probe to go red");
  const failed = await spawnCli(t, ["serve", "--store", store, ...flags.slice(0, -1), await temporaryDir(t)]).ended;
  assert.equal(failed.code, 1);
  assert.match(failed.err, /cannot connect to the database test_1 on 127\.0\.0\.1/);
  server.kill("SIGTERM");
  const { code, out, err } = await server.ended;
  assert.equal(code, 0);
  assert.match(err, /the database cannot be reached/);
  assert.doesNotMatch(out + err + failed.out + failed.err, /hunter2/);
});
