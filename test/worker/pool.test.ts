import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { startBotPool } from "../../src/worker/worker.ts";
import { isAlive, printed, scratch, shellJob } from "../helpers/bot-bench.ts";
import { defer } from "../helpers/defer.ts";
import { fakeClock } from "../helpers/fake-clock.ts";
import { type FakeFarm, startFarm } from "../helpers/fake-farm.ts";
import { until } from "../helpers/until.ts";

const entry = join(import.meta.dirname, "../helpers/pool-bot.ts");
const parentEntry = join(import.meta.dirname, "../helpers/pool-parent.ts");

test("keeps the number of its bots, and cleans up behind one that was killed", async (t) => {
  const { farm, directory } = await setUp(t);
  const pool = startBotPool({ count: 2, entry, args: () => [farm.url, directory], clock: systemClock, log: silentLog });
  defer(t, () => pool.close());
  await until(() => farm.sessions.size === 2, "two bots", 10_000);
  assert.deepEqual([...farm.sessions.values()].map(({ botId }) => botId).sort(), ["pooled-0", "pooled-1"]);
  const pidFile = `${directory}.pid`;
  const job = farm.submit(
    shellJob(
      `test -e ${pidFile} && echo second; echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; test -e ${pidFile}.go || exec sleep 600`,
    ),
  );
  await until(() => existsSync(pidFile));
  const action = Number(readFileSync(pidFile, "utf8"));
  writeFileSync(`${pidFile}.go`, "");
  const bot = pool.pids().find((pid) => parentOf(action) === pid) as number;
  process.kill(bot, "SIGKILL");
  assert.equal(printed(await job.ended), "second\n");
  await until(() => !isAlive(action), "the orphaned action to be killed");
  await until(() => farm.sessions.size === 2 && pool.pids().length === 2);
});

test("stops all its bots and leaves no process", async (t) => {
  const { farm, directory } = await setUp(t);
  const pool = startBotPool({ count: 2, entry, args: () => [farm.url, directory], clock: systemClock, log: silentLog });
  await until(() => farm.sessions.size === 2, "two bots", 10_000);
  const pids = pool.pids();
  assert.equal(pids.length, 2);
  await pool.close();
  assert.deepEqual(pids.filter(isAlive), []);
  assert.deepEqual(pool.pids(), []);
  assert.equal(farm.sessions.size, 0);
});

test("waits longer and longer with a bot that does not live", async (t) => {
  const { directory } = await setUp(t);
  const failing = join(directory, "..", "failing.mjs");
  writeFileSync(
    failing,
    `import { appendFileSync } from "node:fs"; appendFileSync(${JSON.stringify(`${directory}.pids`)}, "x"); process.exit(3);`,
  );
  const clock = fakeClock();
  const pool = startBotPool({ count: 1, entry: failing, args: () => [], clock, log: silentLog });
  defer(t, () => pool.close());
  const starts = () => (existsSync(`${directory}.pids`) ? readFileSync(`${directory}.pids`, "utf8").length : 0);
  for (const [index, delayMs] of [100, 200, 400].entries()) {
    await until(() => starts() === index + 1 && pool.pids().length === 0 && clock.pending() === 1);
    await clock.advance(delayMs - 1);
    assert.equal(clock.pending(), 1);
    await clock.advance(1);
  }
  await until(() => starts() === 4);
});

test("bots outlive a pool that dies as long as they have work, and no longer", async (t) => {
  const { farm, directory } = await setUp(t);
  const parent = spawn(process.execPath, [parentEntry, entry, farm.url, directory], { stdio: "ignore" });
  defer(t, () => void parent.kill("SIGKILL"));
  await until(() => farm.sessions.size === 1, "a bot", 10_000);
  const gate = `${directory}.gate`;
  const job = farm.submit(shellJob(`until test -e ${gate}; do sleep 0.02; done; echo finished`));
  await until(() => job.progress.some((times) => times.executionStartTimestamp));
  const bot = Number(readFileSync(`${directory}.pids`, "utf8"));
  parent.kill("SIGKILL");
  await until(() => farm.updates.at(-1)?.status === 4, "the bot to notice");
  assert.ok(isAlive(bot));
  writeFileSync(gate, "");
  assert.equal(printed(await job.ended), "finished\n");
  await until(() => !isAlive(bot), "the bot to leave");
});

test("a second signal ends a bot at once, its actions included", async (t) => {
  const { farm, directory } = await setUp(t);
  const pool = startBotPool({ count: 1, entry, args: () => [farm.url, directory], clock: systemClock, log: silentLog });
  defer(t, () => pool.close());
  await until(() => farm.sessions.size === 1, "a bot", 10_000);
  const pidFile = `${directory}.pid`;
  farm.submit(shellJob(`echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; exec sleep 600`));
  await until(() => existsSync(pidFile));
  const action = Number(readFileSync(pidFile, "utf8"));
  const [bot = 0] = pool.pids();
  process.kill(bot, "SIGTERM");
  await until(() => farm.updates.at(-1)?.status === 4, "the bot to leave");
  process.kill(bot, "SIGTERM");
  await until(() => !isAlive(bot) && !isAlive(action), "both to die", 900);
});

/** A farm, and a path at which bots may make their directories; beside it there is room for a test's files. */
async function setUp(t: TestContext): Promise<{ farm: FakeFarm; directory: string }> {
  const farm = await startFarm(t);
  return { farm, directory: join(await scratch(t), "bots") };
}

function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}
