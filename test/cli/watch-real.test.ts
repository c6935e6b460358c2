import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { Interruption } from "../../src/cli/shell.ts";
import { until } from "../helpers/until.ts";
import { openBot } from "../services/bot.ts";
import { type Grid, startGrid, temporaryDirectory } from "../services/grid.ts";
import { runCli, spawnOnTerminal } from "./run-cli.ts";

async function submit(grid: Grid): Promise<string> {
  return (await grid.execute({ instanceName: "main", actionDigest: await grid.action() })).name;
}

/** A watch that runs until `stop`, and what it has printed. */
function startWatch(url: string, ...argv: string[]) {
  const stop = new AbortController();
  let out = "";
  let err = "";
  const running = runCli(["operation", "watch", "--remote", url, ...argv], {
    signal: stop.signal,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
  return {
    lines: () => out.split("\n").slice(0, -1),
    /** What is told of an operation: stages, `left` and `deleted`. */
    told: (name: string) => {
      const cut = out.split("\n").map((line) => line.split("\t"));
      return cut.filter((cells) => cells[1] === name).map((cells) => cells[2]);
    },
    err: () => err,
    stop: async () => {
      stop.abort(new Interruption("SIGINT", 130));
      return (await running).code;
    },
  };
}

test("watch tells each change of real operations, and goes on after a restart without missing any", async (t) => {
  const dataDir = await temporaryDirectory(t);
  const first = await startGrid(t, { "data-dir": dataDir });
  const [runs, goes, stays] = [await submit(first), await submit(first), await submit(first)];
  const watch = startWatch(first.url, "--instance-name", "main", "--filter", "stage < COMPLETED");
  await until(() => watch.lines().length === 3, "the rows", 20_000);
  await openBot(first.bots).then((bot) => bot.lease());
  await until(() => watch.told(runs).includes("EXECUTING"), "the change", 20_000);
  await first.app.close();
  await until(() => watch.err().includes("connection lost"), "the loss", 20_000);
  // Another server with the same data, away from the eyes of the watch, where some of it changes.
  const hidden = await startGrid(t, { "data-dir": dataDir });
  await hidden.operations.cancelOperation({ name: goes });
  await hidden.operations.deleteOperation({ name: runs });
  const fresh = await submit(hidden);
  await hidden.app.close();
  await startGrid(t, { "data-dir": dataDir, listen: new URL(first.url).host });
  await until(() => watch.told(fresh).length > 0 && watch.told(goes).length > 1, "the watch to go on", 20_000);
  assert.match(watch.err(), /^connection lost.*UNAVAILABLE[\s\S]*connected again\n$/);
  assert.deepEqual(watch.told(goes), ["QUEUED", "left"]);
  assert.deepEqual(watch.told(runs), ["QUEUED", "EXECUTING", "deleted"]);
  assert.deepEqual(watch.told(stays), ["QUEUED"]);
  assert.equal(watch.told(fresh)[0], "QUEUED");
  assert.equal(await watch.stop(), 130);
});

test("watch --json of all instances prints what jq reads", async (t) => {
  const grid = await startGrid(t);
  const watch = startWatch(grid.url, "--instance-name", "-", "--json");
  const name = await submit(grid);
  await until(() => watch.lines().length === 1, "the row", 20_000);
  await grid.operations.cancelOperation({ name });
  await until(() => watch.lines().length === 2, "the change", 20_000);
  const [row, change] = watch.lines().map((line) => JSON.parse(line));
  assert.deepEqual([row.name, row.metadata.stage], [name, "QUEUED"]);
  assert.deepEqual(change, { left: name });
  await watch.stop();
});

test("watch ends with the server's own words for a wrong filter and an unknown instance", async (t) => {
  const { url } = await startGrid(t);
  const watch = (...argv: string[]) => runCli(["operation", "watch", "--remote", url, ...argv]);
  const filter = await watch("--instance-name", "main", "--filter", "stgae = QUEUED");
  assert.equal(filter.code, 1);
  assert.match(filter.err, /^error: INVALID_ARGUMENT: filter: at character 1.*\n.*stgae = QUEUED\n +\^/);
  const instance = await watch("--instance-name", "nowhere");
  assert.match(instance.err, /INSTANCE_UNKNOWN/);
});

const missing = spawnSync("script", ["--version"]).error !== undefined && "script (util-linux) is not installed";

for (const [signal, exitCode] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGQUIT", 131],
] as const) {
  test(`a real terminal is as before after ${signal}`, { skip: missing }, async (t) => {
    const grid = await startGrid(t);
    const name = await submit(grid);
    const terminal = spawnOnTerminal(t, ["operation", "watch", "--remote", grid.url, "--instance-name", "main"]);
    await until(() => terminal.out().includes(name), "the table", 20_000);
    terminal.kill(signal);
    const { code, out } = await terminal.ended;
    assert.equal(code, exitCode);
    assert.ok(out.includes("\u001b[?1049h\u001b[?25l\u001b[?7l"));
    assert.ok(out.trimEnd().endsWith("\u001b[?7h\u001b[?25h\u001b[?1049l"));
  });
}
