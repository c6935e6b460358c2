import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { eventually, livingProcesses, processesOf } from "./e2e-processes.ts";
import { backends } from "./open-store.ts";
import { sharedPostgres } from "./postgres.ts";

const mainFile = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** A server in a process of its own, as a user starts it, with its bots and a data directory of its own. */
export interface OpgridProcess {
  /** The port on 127.0.0.1; the same after a restart. */
  readonly port: number;
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** The pid of the server that runs now. */
  readonly pid: number;
  /** The pids of the bots that are its children now. */
  botPids(): number[];
  /** Ends the server alone with SIGKILL; its children are not told. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data directory, after `kill`. */
  restart(): Promise<void>;
}

/** What a test may choose of its server. */
export interface StartOpgridOptions {
  /** More flags of `opgrid serve`; they win over those that it has anyway. */
  readonly flags?: readonly string[];
  /** Puts something into the data directory before the server starts. */
  readonly prepare?: (dataDir: string) => Promise<unknown>;
}

/**
 * Starts `opgrid serve` for a test: a free port, a temporary data directory, two bots unless told otherwise, and where
 * TEST_STORES is `postgres` an empty database.
 * When the test ends the server must end by SIGTERM with exit code 0 and leave no process behind, or the test fails.
 */
export async function startOpgrid(t: TestContext, options: StartOpgridOptions = {}): Promise<OpgridProcess> {
  const directory = mkdtempSync(join(tmpdir(), "opgrid-e2e-"));
  const flags = ["--bots", "2", ...(await storeFlags()), ...(options.flags ?? [])];
  let log = "";
  let child: ChildProcess | undefined;

  const launch = async (port: number): Promise<number> => {
    const started = launchServer(directory, port, flags);
    child = started;
    const heard = (chunk: Buffer) => {
      log += chunk.toString();
    };
    started.stdout?.on("data", heard);
    started.stderr?.on("data", heard);
    const from = log.length;
    const ended = once(started, "exit").then(() => assert.fail(`the server ended at once:\n${log}`));
    ended.catch(() => undefined); // It also ends later, when it should.
    const address = eventually("the server prints its address", 30_000, () =>
      Number(/opgrid is serving on http:\/\/127\.0\.0\.1:(\d+)/.exec(log.slice(from))?.[1] ?? 0),
    );
    return Promise.race([address, ended]);
  };

  t.after(async () => {
    try {
      if (child?.exitCode === null && child.signalCode === null) await stop(child);
    } finally {
      const leaked = await endLeftovers(directory);
      if (!t.passed || leaked.length > 0) t.diagnostic(`the server's last words:\n${log.slice(-4_000)}`);
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
      assert.deepEqual(leaked, [], "the server left processes behind");
    }
  });

  await options.prepare?.(dataDirIn(directory));
  const port = await launch(0);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    get pid() {
      assert(child?.pid);
      return child.pid;
    },
    botPids: () => livingProcesses().flatMap((info) => (info.parent === child?.pid ? [info.pid] : [])),
    kill: async () => {
      assert(child);
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
    restart: async () => {
      assert.equal(await launch(port), port);
    },
  };
}

async function storeFlags(): Promise<string[]> {
  return backends[0] === "postgres" ? ["--store", await (await sharedPostgres()).createDatabase()] : [];
}

const dataDirIn = (directory: string) => join(directory, "data");

function launchServer(directory: string, port: number, flags: readonly string[]): ChildProcess {
  const serve = ["serve", "--listen", `127.0.0.1:${port}`, "--data-dir", dataDirIn(directory), ...flags];
  return spawn(process.execPath, [mainFile, ...serve], {
    cwd: directory,
    // Every temporary file belongs to the directory, and every child is found by it.
    env: { PATH: process.env.PATH, HOME: directory, TMPDIR: directory },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function stop(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 30_000);
  const [code, signal] = await exited;
  clearTimeout(timer);
  assert.deepEqual({ code, signal }, { code: 0, signal: null }, "the server did not end cleanly by SIGTERM");
}

/** Waits a little for the last processes of the directory, kills what stays, and tells what that was. */
async function endLeftovers(directory: string): Promise<string[]> {
  const gone = () => processesOf(directory).length === 0;
  await eventually("all processes end", 10_000, gone).catch(() => undefined);
  return processesOf(directory).map(({ pid, argv }) => {
    process.kill(pid, "SIGKILL");
    return argv.join(" ");
  });
}
