import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { silentLog } from "../../src/base/log.ts";
import { createSqliteStore } from "../../src/store/store.ts";
import { openStore, temporaryDir } from "../helpers/open-store.ts";

const KILLS = 6;

interface StoreProcess {
  /** What it printed after the store was open. */
  readonly lines: string[];
  kill(): Promise<void>;
}

/** Starts a process that opens the store; resolves when it has. */
async function startProcess(t: TestContext, dataDir: string, task: "hold" | "submit"): Promise<StoreProcess> {
  const child: ChildProcessByStdio<null, Readable, null> = spawn(
    process.execPath,
    [join(import.meta.dirname, "store-process.ts"), dataDir, task],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = once(child, "close");
  t.after(() => child.kill("SIGKILL"));
  const output = createInterface(child.stdout);
  const lines: string[] = [];
  const opened = once(output, "line");
  await Promise.race([opened, ended.then(() => assert.fail("the process ended before it had opened the store"))]);
  output.on("line", (line) => lines.push(line));
  return {
    lines,
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

test("a second process is refused the data directory until the first one is killed", async (t) => {
  const dataDir = await temporaryDir(t);
  const first = await startProcess(t, dataDir, "hold");
  const refused = await createSqliteStore({ dataDir, log: silentLog }).catch((error: Error) => error);
  assert.ok(refused instanceof Error);
  assert.equal(refused.message, `the data directory ${dataDir} is in use by another opgrid process`);
  await first.kill();
  await openStore(t, "sqlite", { dataDir });
});

test("the same process is refused a second store on one data directory", async (t) => {
  const dataDir = await temporaryDir(t);
  const first = await openStore(t, "sqlite", { dataDir });
  await assert.rejects(createSqliteStore({ dataDir, log: silentLog }), /is in use by another opgrid process/);
  await first[Symbol.asyncDispose]();
  await openStore(t, "sqlite", { dataDir });
});

test("nothing that was acknowledged is lost when the process is killed", async (t) => {
  const dataDir = await temporaryDir(t);
  const acknowledged: string[] = [];
  for (let round = 0; round < KILLS; round++) {
    const child = await startProcess(t, dataDir, "submit");
    await delay(5 + Math.random() * 100);
    await child.kill();
    acknowledged.push(...child.lines.filter((line) => line.length === 36));

    await using store = await createSqliteStore({ dataDir, log: silentLog });
    const live = new Set((await store.liveOperations()).map(({ id }) => id));
    const lost = acknowledged.filter((id) => !live.has(id));
    assert.deepEqual(lost, [], `after ${round + 1} kills`);
    assert.equal((await store.liveJobs(undefined)).length, live.size);
  }
  assert.ok(acknowledged.length > KILLS, `only ${acknowledged.length} were acknowledged at all`);
});
