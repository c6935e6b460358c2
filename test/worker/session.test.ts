import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BotStatus, LeaseState } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import { Code } from "../../src/base/errors.ts";
import { INSTANCE_PROPERTY } from "../../src/base/wire-names.ts";
import { isAlive, printed, scratch, shellJob, startBench, startBot } from "../helpers/bot-bench.ts";
import { type FakeFarm, type Job, startFarm } from "../helpers/fake-farm.ts";
import { until } from "../helpers/until.ts";

test("announces itself with capacity, version and the properties of the machine and of its options", async (t) => {
  const { farm } = await startBench(t, { capacity: 3, properties: { pool: ["a", "b"] }, version: "opgrid 9" });
  await until(() => farm.updates.length > 0);
  const bot = farm.updates[0];
  assert.equal(bot?.botId, "bot");
  assert.equal(bot?.status, BotStatus.OK);
  assert.deepEqual(
    bot?.worker?.configs.map(({ key, value }) => `${key}=${value}`),
    ["capacity=3"],
  );
  const properties = bot?.worker?.devices[0]?.properties.map(({ key, value }) => `${key}=${value}`) ?? [];
  assert.deepEqual(
    properties.filter((pair) => !pair.startsWith("ISA=")),
    ["OSFamily=linux", "pool=a", "pool=b"],
  );
});

test("runs as many leases at once as it has capacity", async (t) => {
  const { farm, bot } = await startBench(t, { capacity: 2 });
  const gate = join(bot.directory, "gate");
  const jobs = [1, 2, 3].map(() => farm.submit(waitFor(gate)));
  await until(() => jobs.filter((job) => job.progress.some((times) => times.executionStartTimestamp)).length === 2);
  assert.equal(jobs[2]?.sessions.length, 0);
  writeFileSync(gate, "");
  for (const job of jobs) assert.equal((await job.ended).status.code, 0);
});

test("kills a lease that the server takes back, and reports nothing", async (t) => {
  const { farm, bot, shell } = await startBench(t);
  const pidFile = join(bot.directory, "pid");
  const job = farm.submit(shellJob(`echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; sleep 600 & wait`));
  await until(() => existsSync(pidFile));
  const pid = Number(readFileSync(pidFile, "utf8"));
  farm.cancel(job);
  await until(() => !isAlive(pid), "the process to die");
  assert.equal(printed(await shell("echo next")), "next\n");
  assert.ok(
    !farm.updates.some(({ leases }) => leases.some(({ id, state }) => id === job.id && state === LeaseState.COMPLETED)),
  );
});

test("goes on over cut connections and failing updates", async (t) => {
  const { farm, bot } = await startBench(t);
  const gate = join(bot.directory, "gate");
  const job = farm.submit(waitFor(gate));
  await running(job);
  farm.failures.set("UpdateBotSession", ["drop", Code.Internal, Code.DeadlineExceeded]);
  writeFileSync(gate, "");
  assert.equal((await job.ended).status.code, 0);
  assert.equal(job.sessions.length, 1);
  assert.equal(farm.calls.filter((call) => call === "CreateBotSession").length, 1);
});

test("reports after a restart of the server what it finished meanwhile, in the same session", async (t) => {
  const { farm, bot, shell } = await startBench(t);
  const gate = join(bot.directory, "gate");
  const job = farm.submit(waitFor(gate, `&& touch ${gate}.done && echo survived`));
  await running(job);
  await farm.stop();
  writeFileSync(gate, "");
  await until(() => existsSync(`${gate}.done`));
  await farm.start();
  assert.equal(printed(await job.ended), "survived\n");
  assert.equal(job.sessions.length, 1);
  assert.equal(printed(await shell("echo more")), "more\n");
});

test("opens a new session when the old one is lost, and keeps what the server gives it again", async (t) => {
  const { farm, bot } = await startBench(t);
  const gate = join(bot.directory, "gate");
  const count = join(bot.directory, "count");
  const job = farm.submit(waitFor(gate, "", `echo begun >> ${count}; `));
  await running(job);
  farm.loseSessions();
  await until(() => job.sessions.length === 2, "the job to be given out again");
  writeFileSync(gate, "");
  assert.equal((await job.ended).status.code, 0);
  assert.equal(readFileSync(count, "utf8"), "begun\n", "it ran once");
});

test("kills what the server does not give it again in a new session", async (t) => {
  const { farm, bot } = await startBench(t);
  const pidFile = join(bot.directory, "pid");
  const job = farm.submit(shellJob(`echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; sleep 600 & wait`));
  await until(() => existsSync(pidFile));
  const pid = Number(readFileSync(pidFile, "utf8"));
  farm.cancel(job);
  farm.loseSessions();
  await until(() => !isAlive(pid), "the process to die");
});

test("begins a job anew that it failed at and that is handed back", async (t) => {
  const { farm, shell } = await startBench(t, { retryMs: 1 });
  farm.failures.set("FindMissingBlobs", [Code.Unavailable]);
  const end = await shell("echo again");
  assert.equal(end.status.code, 0);
  assert.equal(printed(end), "again\n");
});

test("leaves when it is stopped: finishes what runs, takes nothing new, says goodbye", async (t) => {
  const { farm, bot } = await startBench(t);
  const gate = join(bot.directory, "gate");
  const job = farm.submit(waitFor(gate));
  await running(job);
  const left = bot.stop();
  await until(() => farm.updates.at(-1)?.status === BotStatus.BOT_TERMINATING);
  const next = farm.submit(shellJob("true"));
  writeFileSync(gate, "");
  assert.equal((await job.ended).status.code, 0);
  await left;
  assert.equal(farm.sessions.size, 0);
  assert.equal(next.sessions.length, 0);
});

test("stops at once when it is idle", async (t) => {
  const { farm, bot } = await startBench(t);
  await until(() => farm.calls.includes("UpdateBotSession"));
  const before = Date.now();
  await bot.stop();
  assert.ok(Date.now() - before < 1_000);
  assert.equal(farm.sessions.size, 0);
});

test("kills what runs longer than the grace time, and has it done by another bot", async (t) => {
  const { farm, bot } = await startBench(t, { graceMs: 100 });
  const pidFile = join(bot.directory, "pid");
  const job = farm.submit(shellJob(`test -e ${pidFile} || { echo $$ > ${pidFile}; exec sleep 600; }; echo second`));
  await until(() => existsSync(pidFile));
  await bot.stop();
  await startBot(t, farm, { botId: "other" });
  const end = await job.ended;
  assert.equal(printed(end), "second\n");
  assert.equal(end.bot, "other");
});

test("finishes and reports after its parent died, without a limit of time", async (t) => {
  const { farm, bot } = await startBench(t, { graceMs: 1 });
  const gate = join(bot.directory, "gate");
  const job = farm.submit(waitFor(gate, `&& touch ${gate}.done && echo finished`));
  await running(job);
  await farm.stop();
  bot.orphan();
  writeFileSync(gate, "");
  await until(() => existsSync(`${gate}.done`));
  await farm.start();
  assert.equal(printed(await job.ended), "finished\n");
  await bot.done;
});

test("leaves at once when its parent died while it was idle", async (t) => {
  const { farm, bot } = await startBench(t);
  await until(() => farm.calls.includes("UpdateBotSession"));
  await farm.stop();
  bot.orphan();
  await bot.done;
});

test("waits for a server that is not there yet", async (t) => {
  const farm = await startFarm(t);
  await farm.stop();
  await startBot(t, farm);
  await farm.start();
  assert.equal((await farm.submit(shellJob("true")).ended).status.code, 0);
});

test("rejects when the server refuses it", async (t) => {
  const farm = await startFarm(t);
  farm.failures.set("CreateBotSession", [Code.PermissionDenied]);
  const bot = await startBot(t, farm);
  await assert.rejects(bot.done, /permission_denied/);
});

test("rejects when another bot works in its directory, unless it may take the next number", async (t) => {
  const farm = await startFarm(t);
  const directory = await scratch(t);
  const first = await startBot(t, farm, { directory: join(directory, "a") });
  await until(() => farm.sessions.size === 1);
  const second = await startBot(t, farm, { directory: join(directory, "a"), botId: "second" });
  await assert.rejects(second.done, /another bot is working in/);
  await first.stop();
  for (const _ of [0, 1]) await startBot(t, farm, { directory: join(directory, "b"), botId: "n", numbered: true });
  await until(() => farm.sessions.size === 2);
  assert.deepEqual([...farm.sessions.values()].map(({ botId }) => botId).sort(), ["n-0", "n-1"]);
});

test("works for the instance that a lease names", async (t) => {
  const farm = await startFarm(t);
  await startBot(t, farm, { instance: "*" });
  const requirements = { properties: [{ key: INSTANCE_PROPERTY, value: "a/b" }] };
  const job = farm.submit({ ...shellJob("echo output"), requirements });
  assert.equal((await job.ended).status.code, 0);
  assert.ok(farm.instances.has("a/b"));
  await farm.submit(shellJob("echo output")).ended;
  assert.ok(farm.instances.has(""));
});

/** A job that runs until a file is there. */
function waitFor(gate: string, then = "", first = ""): Parameters<FakeFarm["submit"]>[0] {
  return shellJob(`${first}until test -e ${gate}; do sleep 0.02; done ${then}`);
}

async function running(job: Job): Promise<void> {
  await until(() => job.progress.some((times) => times.executionStartTimestamp), "the job to run");
}
