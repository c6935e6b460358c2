import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openBot } from "../services/bot.ts";
import { startGrid } from "../services/grid.ts";
import { runCli } from "./run-cli.ts";

async function startFarm(t: TestContext, flags: Record<string, string> = {}) {
  const grid = await startGrid(t, flags);
  const submit = async (platform: { name: string; value: string }[] = []) => {
    const actionDigest = await grid.action({ action: { platform: { properties: platform } } });
    return grid.execute({ instanceName: "main", actionDigest });
  };
  const cli = (...argv: string[]) => runCli([...argv, "--remote", grid.url, "--instance-name", "main"]);
  return { ...grid, submit, cli };
}

test("stats tell why an operation waits", async (t) => {
  const { submit, cli } = await startFarm(t);
  const { id } = await submit([{ name: "ISA", value: "arm64" }]);
  const { code, out } = await cli("operation", "stats", id);
  assert.equal(code, 0);
  assert.match(out, /^waits, as: +no bot serves main$/m);
  assert.match(out, /^ahead: +about 0$/m);
  const json = JSON.parse((await cli("op", "stats", id, "--json")).out);
  assert.deepEqual([json.stage, json.waitReason], ["QUEUED", "WAIT_REASON_NO_MATCHING_WORKER"]);
});

test("stats tell how many others want the same", async (t) => {
  const { execute, action, cli, operations } = await startFarm(t);
  const actionDigest = await action();
  const names: string[] = [];
  for (let i = 0; i < 3; i++) names.push((await execute({ instanceName: "main", actionDigest })).name);
  const [name = "", other = "", third = ""] = names;
  assert.match((await cli("operation", "stats", name)).out, /^also wanted by: +2 other operations$/m);
  await operations.cancelOperation({ name: other });
  assert.match((await cli("operation", "stats", name)).out, /^also wanted by: +1 other operation$/m);
  assert.match((await cli("operation", "stats", other)).out, /^also wanted by: +2 other operations$/m);
  await operations.cancelOperation({ name: third });
  assert.doesNotMatch((await cli("operation", "stats", name)).out, /wanted/);
  const json = JSON.parse((await cli("operation", "stats", name, "--json")).out);
  assert.deepEqual([json.liveOperationCount, json.jobOperations.length], [1, 3]);
});

test("workers and queue of all instances are shown together", async (t) => {
  const { submit, bots, url } = await startFarm(t, { instances: "main,other" });
  const cli = (argv: string[], shell = {}) => runCli([...argv, "--remote", url, "--instance-name", "-"], shell);
  assert.equal((await cli(["workers", "list"])).err, "no worker serves any instance\n");
  await openBot(bots, { botId: "one", parent: "main" });
  await openBot(bots, { botId: "two", parent: "other" });
  await submit([{ name: "ISA", value: "arm64" }]);
  assert.deepEqual((await cli(["workers", "list"])).out.match(/^\w+/gm), ["one", "two"]);
  assert.match((await cli(["queue"])).out, /^main\tISA=arm64\t1\t0\t0\t0\t0\t\d+/);
  assert.match((await cli(["queue"], { terminal: true, columns: 80 })).out, /^INSTANCE +PLATFORM +QUEUED/);
});

test("workers and queue are shown, line by line where nobody looks", async (t) => {
  const { submit, cli, bots, url } = await startFarm(t);
  assert.deepEqual(await cli("queue"), { code: 0, out: "", err: "nothing waits and nothing runs\n" });
  assert.deepEqual(await cli("workers", "list"), { code: 0, out: "", err: "no worker serves this instance\n" });
  const bot = await openBot(bots, { botId: "one", properties: [{ key: "OSFamily", value: "linux" }] });
  const { name } = await submit([{ name: "OSFamily", value: "linux" }]);
  await bot.lease();
  await submit([{ name: "OSFamily", value: "linux" }]);
  assert.match((await cli("queue")).out, /^OSFamily=linux\t1\t1\t0\t1\t0\t\d+/);
  assert.match((await cli("workers", "list")).out, /^one\tOK\t1\/1\t\S+Z\tOSFamily=linux\tmain\//);
  const shell = { terminal: true, columns: 80 };
  const seen = await runCli(["queue", "--remote", url, "--instance-name", "main"], shell);
  assert.match(seen.out, /^PLATFORM +QUEUED +EXECUTING +IDLE +BUSY/);
  const json = JSON.parse((await cli("workers", "list", "--json")).out);
  assert.deepEqual(json.workers[0].leases[0].operationNames, [name]);
});

test("figures are shown step by step and together", async (t) => {
  const { submit, cli, url } = await startFarm(t);
  await submit();
  await submit();
  const { code, out } = await cli("figures", "--window", "5m");
  const lines = out.trimEnd().split("\n");
  assert.deepEqual([code, lines.length], [0, 6]);
  assert.match(lines[0] ?? "", /^\d{4}-\S+Z\t0\t0\t0\t\t\t\t\t0\t0\t0\t0\t/);
  assert.match(lines.at(-1) ?? "", /^total\t2\t0\t0\t/);
  const narrow = { terminal: true, columns: 80 };
  const seen = await runCli(["figures", "--remote", url, "--instance-name", "-"], narrow);
  assert.match(
    seen.out,
    /^SINCE \(UTC\) +SUBMITTED +SUCCEEDED +FAILED +WAIT P50 .*RUN P95\n\d\d-\d\d \d\d:\d\d +0 +0 +0\n/,
  );
  assert.ok(seen.out.split("\n").every((line) => line.length <= 80));
  const json = JSON.parse((await cli("figures", "--json")).out);
  assert.deepEqual([json.step, json.steps.length, json.total.submittedCount], ["60s", 60, "2"]);
  for (const window of ["0", "25h", "-1h", "soon", "60"]) {
    const refused = await cli("figures", `--window=${window}`);
    assert.equal(refused.code, 2, window);
    assert.match(refused.err, /--window/);
  }
});

test("a kill is in the history with its reason", async (t) => {
  const { submit, cli } = await startFarm(t);
  const { name } = await submit();
  const killed = await cli("operation", "kill", name, "--reason", "runs wild");
  assert.deepEqual([killed.code, killed.out], [0, `killed ${name}\n`]);
  assert.equal((await cli("operation", "kill", name)).out, `had ended: ${name}\n`);
  const { out } = await cli("operation", "history", name);
  const lines = out.trim().split("\n");
  assert.deepEqual(
    lines.map((line) => line.split("\t")[1]),
    ["CREATION", "NEW_OPERATION", "CANCELLATION"],
  );
  assert.match(lines.at(-1) ?? "", /reason=runs wild/);
  assert.equal((await cli("operation", "history", "0198c0de-0000-7000-8000-000000000000")).code, 1);
});

test("cancel takes a filter instead of names, and counts first when asked", async (t) => {
  const { submit, cli } = await startFarm(t);
  await submit();
  await submit();
  const counted = await cli("operation", "cancel", "--filter", "stage=QUEUED", "--dry-run");
  assert.deepEqual(counted, { code: 0, out: "would cancel 2\n", err: "" });
  assert.equal((await cli("operation", "cancel", "--filter-string", "stage=QUEUED")).out, "cancelled 2 of 2\n");
  for (const wrong of [[], ["name", "--filter", "stage=QUEUED"], ["name", "--dry-run"]]) {
    assert.equal((await cli("operation", "cancel", ...wrong)).code, 2, wrong.join(" "));
  }
  const refused = await cli("operation", "cancel", "--filter", "stag=QUEUED");
  assert.equal(refused.code, 1);
  assert.match(refused.err, /INVALID_ARGUMENT/);
});

test("what bgd's users type is understood", async (t) => {
  const { submit, cli } = await startFarm(t);
  const { name } = await submit();
  assert.match((await cli("operation", "list", "--filter-string", "stage=QUEUED")).out, new RegExp(`^${name}\t`));
  assert.match((await cli("operation", "status", name, "--show-request-metadata")).out, /^stage: +QUEUED$/m);
});
