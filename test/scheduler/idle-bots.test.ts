import assert from "node:assert/strict";
import { test } from "node:test";
import { createIdleBots, type IdleBot } from "../../src/scheduler/idle-bots.ts";

const linux = { parent: "main", properties: [{ name: "OSFamily", value: "linux" }] };
const arm = { parent: "main", properties: [...linux.properties, { name: "ISA", value: "arm64" }] };

/** Says whether the bot was woken by now. */
async function isWoken(bot: IdleBot): Promise<boolean> {
  const abort = new AbortController();
  let woken = true;
  const wait = bot.woken(abort.signal).then(() => woken);
  await new Promise((resolve) => setImmediate(resolve));
  woken = false;
  abort.abort();
  return wait;
}

test("one job wakes one bot that fits, the one that has waited longest", async () => {
  const bots = createIdleBots();
  const [first, second] = [bots.enter(linux), bots.enter(linux)];
  bots.jobQueued("main", linux.properties);
  assert.equal(await isWoken(first), true);
  assert.equal(await isWoken(second), false);
});

test("a job wakes no bot that does not fit", async () => {
  const bots = createIdleBots();
  const bot = bots.enter(linux);
  bots.jobQueued("main", arm.properties);
  bots.jobQueued("other", linux.properties);
  assert.equal(await isWoken(bot), false);
});

test("a bot of every instance is woken for any", async () => {
  const bots = createIdleBots();
  const bot = bots.enter({ ...linux, parent: "*" });
  bots.jobQueued("other", []);
  assert.equal(await isWoken(bot), true);
});

test("an offered star fits any value of its name", async () => {
  const bots = createIdleBots();
  const bot = bots.enter({ parent: "main", properties: [{ name: "container-image", value: "*" }] });
  bots.jobQueued("main", [{ name: "container-image", value: "debian" }]);
  assert.equal(await isWoken(bot), true);
});

test("two jobs wake two bots", async () => {
  const bots = createIdleBots();
  const [first, second] = [bots.enter(linux), bots.enter(arm)];
  bots.jobQueued("main", []);
  bots.jobQueued("main", []);
  assert.deepEqual([await isWoken(first), await isWoken(second)], [true, true]);
});

test("news of a bot that went away goes on to the next", async () => {
  const bots = createIdleBots();
  const [first, second] = [bots.enter(linux), bots.enter(linux)];
  bots.jobQueued("main", []);
  first.leave(false);
  assert.equal(await isWoken(second), true);
});

test("news of a bot that looks for work itself goes no further, so bots never wake each other in a ring", async () => {
  const bots = createIdleBots();
  const [first, second] = [bots.enter(linux), bots.enter(linux)];
  bots.jobQueued("main", []);
  first.leave(true);
  assert.equal(await isWoken(second), false);
});

test("news that came before the wait wakes at once", async () => {
  const bots = createIdleBots();
  const bot = bots.enter(linux);
  bots.jobQueued("main", []);
  await bot.woken(new AbortController().signal);
});

test("who left is forgotten", () => {
  const bots = createIdleBots();
  const [first, second] = [bots.enter(linux), bots.enter(arm)];
  assert.equal(bots.size, 2);
  first.leave(true);
  second.leave(false);
  assert.equal(bots.size, 0);
});
