import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { greeting } from "../../src/cli/greeting.ts";
import { loadConfig } from "../../src/config/config.ts";
import { until } from "../helpers/until.ts";
import { type CliProcess, runCli, spawnCli } from "./run-cli.ts";

function temporary(t: test.TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "opgrid-cli-"));
  t.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

async function serving(server: CliProcess): Promise<string> {
  const spoke = () => server.out().includes("see its operations") || server.err().includes("error");
  await until(spoke, "the server to be ready", 20_000);
  const url = /opgrid is serving on (\S+)/.exec(server.out())?.[1];
  assert.ok(url, server.err());
  return url;
}

test("serves until SIGTERM, which ends it with exit code 0", async (t) => {
  const directory = temporary(t);
  const server = spawnCli(t, ["serve", "--listen", "127.0.0.1:0", "--data-dir", directory, "--bots", "0"]);
  const url = await serving(server);
  const list = await runCli(["operation", "list", "--remote", url, "--instance-name", "main"]);
  assert.deepEqual(list, { code: 0, out: "", err: "no operation matches\n" });
  server.kill("SIGTERM");
  const { code, out } = await server.ended;
  assert.equal(code, 0);
  assert.equal(out.split("\n").length, 5);
});

test("starts its bots as processes and takes them with it", async (t) => {
  const flags = ["--listen", "127.0.0.1:0", "--data-dir", temporary(t), "--bots", "1", "--log-format", "json"];
  const server = spawnCli(t, ["serve", ...flags]);
  await serving(server);
  await until(() => server.err().includes('"msg":"bot session opened"'), "the bot to have a session", 20_000);
  server.kill("SIGINT");
  const { code, err } = await server.ended;
  assert.equal(code, 0);
  assert.match(err, /"msg":"bot left"/);
  for (const line of err.trim().split("\n")) assert.match(JSON.parse(line).time, /^20\d\d-.*Z$/);
});

test("says in one line why it cannot start", async (t) => {
  const directory = temporary(t);
  const taken = createServer();
  taken.listen(0, "127.0.0.1");
  await once(taken, "listening");
  t.after(() => taken.close());
  const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
  const busy = await spawnCli(t, ["serve", "--listen", address, "--data-dir", directory]).ended;
  assert.deepEqual(busy, {
    code: 1,
    out: "",
    err: `error: ${address} is in use by another program; --listen chooses another address\n`,
  });
  const file = join(directory, "file");
  writeFileSync(file, "");
  const blocked = await spawnCli(t, ["serve", "--listen", "127.0.0.1:0", "--data-dir", file]).ended;
  assert.deepEqual([blocked.code, blocked.err.split("\n").length], [1, 2]);
});

test("refuses the data directory of another server", async (t) => {
  const flags = ["serve", "--listen", "127.0.0.1:0", "--data-dir", temporary(t), "--bots", "0"];
  await serving(spawnCli(t, flags));
  const { code, err } = await spawnCli(t, flags).ended;
  assert.equal(code, 1);
  assert.match(err, /^error: .*in use.*\n$/);
});

test("prints every problem of the configuration and ends with exit code 2", async () => {
  const argv = ["serve", "--bots", "x", "--lisen=1", "--data-dri", "y", "--cas-max-bytes", "1GB"];
  const { code, err } = await runCli(argv, { env: { OPGRID_LOG_LEVEL: "loud" } });
  assert.equal(code, 2);
  assert.match(err, /^error: the configuration has 4 problems:\n/);
  for (const place of [
    "--bots: bots",
    "--lisen: is not a flag",
    "--data-dri: is not a flag",
    "OPGRID_LOG_LEVEL: log.level",
  ]) {
    assert.ok(err.includes(`\n  ${place}`), place);
  }
});

test("prints the configuration that holds, which serve takes again", async (t) => {
  const argv = ["serve", "--print-config", "--execution-min-priority", "-5", "--instances", "main,dev"];
  const { code, out } = await runCli(argv, { env: { OPGRID_BOTS: "3" } });
  assert.equal(code, 0);
  assert.match(out, /^bots: 3 # OPGRID_BOTS$/m);
  const file = join(temporary(t), "printed.yaml");
  writeFileSync(file, out);
  const config = loadConfig({ flags: { config: file } });
  assert.equal(config.instances[1]?.execution.minPriority, -5);
  assert.equal((await runCli(["serve", "--config", file, "--print-config"])).code, 0);
});

test("greets with commands that fit the address and the instances", () => {
  const config = (flags: Record<string, string>) => loadConfig({ flags });
  assert.equal(
    greeting(config({ "data-dir": "/d" }), "http://127.0.0.1:50051", "opgrid"),
    `opgrid is serving on http://127.0.0.1:50051 (instances "", "main"; 2 bots; data in /d)
  look at it:          http://127.0.0.1:50051/
  build through it:    bazel build //... --remote_executor=grpc://127.0.0.1:50051 --remote_instance_name=main
  see its operations:  opgrid operation list --instance-name main
`,
  );
  const everywhere = greeting(config({ instances: "", bots: "1" }), "https://0.0.0.0:80", "npm run -s opgrid --");
  assert.match(everywhere, /serving on https:\/\/0\.0\.0\.0:80 \(instances ""; 1 bot;/);
  assert.match(everywhere, /--remote_executor=grpcs:\/\/127\.0\.0\.1:80\n/);
  assert.match(everywhere, /npm run -s opgrid -- operation list --remote https:\/\/127\.0\.0\.1:80\n/);
});
