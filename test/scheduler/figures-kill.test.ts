import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { createFigureKeeper } from "../../src/scheduler/figures.ts";
import { openStore, temporaryDir } from "../helpers/open-store.ts";

const KILLS = 3;
const STEP = 10;

/** Lets a process count and save, and kills it in the midst of that; answers how much it said was saved. */
async function countAndDie(t: TestContext, dataDir: string, lines: number): Promise<number> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "figures-process.ts"), dataDir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const ended = once(child, "close");
  let saved = 0;
  let seen = 0;
  for await (const line of createInterface(child.stdout)) {
    saved = Number(line);
    if (++seen === lines) child.kill("SIGKILL");
  }
  await ended;
  return saved;
}

test("what was saved outlives kill -9, and nothing is counted twice", async (t) => {
  const dataDir = await temporaryDir(t);
  let [atLeast, kills] = [0, 0];
  for (; kills < KILLS; kills++) {
    const saved = await countAndDie(t, dataDir, 5 + kills * 7);
    assert.ok(saved > 0);
    atLeast += saved;
    await using stack = new AsyncDisposableStack();
    const store = stack.use(await openStore(t, "sqlite", { dataDir }));
    const figures = createFigureKeeper({ store, clock: systemClock, log: silentLog });
    const { submitted } = (await figures.report(["main"], 3_600_000)).total;
    assert.ok(submitted >= atLeast, `${submitted} of ${atLeast} that were saved`);
    assert.ok(submitted <= atLeast + STEP * 2 * (kills + 1), `${submitted}, of which ${atLeast} were counted`);
    atLeast = submitted;
  }
});
