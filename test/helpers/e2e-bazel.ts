import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { processesOf } from "./e2e-processes.ts";

const fixture = fileURLToPath(new URL("../e2e/bazel-workspace", import.meta.url));

/** How one Bazel command ended. */
export interface BazelResult {
  readonly code: number | null;
  /** Standard output and standard error as they came. */
  readonly output: string;
  /** The counts of the line `INFO: 12 processes: 3 internal, 9 remote.`; a kind that is not there counts 0. */
  processes(kind: "remote" | "remote cache hit" | "linux-sandbox" | "local"): number;
}

/** A Bazel command that runs. */
export interface BazelRun {
  readonly result: Promise<BazelResult>;
  /** What it printed so far. */
  output(): string;
  /** Ctrl-C. */
  interrupt(): void;
}

/** A copy of the workspace and the Bazel server that works on it. */
export interface Bazel {
  readonly workspace: string;
  /** Starts a command, for example `start("build", "//...")`. It is killed after two minutes. */
  start(command: string, ...args: string[]): BazelRun;
  /** Runs a command to its end. */
  run(command: string, ...args: string[]): Promise<BazelResult>;
}

/**
 * Copies the workspace to a temporary directory and gives a Bazel that builds it through the server at the port.
 * Each has an output base of its own. When the test ends its server is shut down; one that stays fails the test.
 */
export function openBazel(t: TestContext, port: number): Bazel {
  const directory = mkdtempSync(join(tmpdir(), "opgrid-bazel-"));
  const workspace = join(directory, "workspace");
  cpSync(fixture, workspace, { recursive: true });

  const start = (command: string, ...args: string[]): BazelRun =>
    startBazel(directory, workspace, [command, ...(remote.has(command) ? remoteFlags(port) : []), ...args]);

  t.after(async () => {
    await start("shutdown").result;
    const leaked = processesOf(directory).map(({ pid, argv }) => {
      process.kill(pid, "SIGKILL");
      return argv.slice(0, 3).join(" ");
    });
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    assert.deepEqual(leaked, [], "Bazel left processes behind");
  });
  return { workspace, start, run: (command, ...args) => start(command, ...args).result };
}

const remote = new Set(["build", "test", "run"]);

function remoteFlags(port: number): string[] {
  return [
    `--remote_executor=grpc://127.0.0.1:${port}`,
    "--remote_instance_name=main",
    "--spawn_strategy=remote",
    "--genrule_strategy=remote",
    "--strategy=TestRunner=remote",
    "--remote_timeout=60",
    "--remote_local_fallback=false",
    "--remote_default_exec_properties=OSFamily=linux",
    "--jobs=50",
    "--color=no",
    "--curses=no",
  ];
}

function startBazel(directory: string, workspace: string, args: readonly string[]): BazelRun {
  const startup = [`--output_user_root=${join(directory, "output")}`, "--nohome_rc"];
  const child = spawn("bazel", [...startup, "--max_idle_secs=60", ...args], {
    cwd: workspace,
    env: { PATH: process.env.PATH, HOME: directory, USER: "opgrid" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const heard = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on("data", heard);
  child.stderr.on("data", heard);
  return {
    output: () => output,
    interrupt: () => void child.kill("SIGINT"),
    result: ended(child).then((code) => ({
      code,
      output,
      processes: (kind) => Number(new RegExp(`^INFO: .*process.* (\\d+) ${kind}[,.]`, "m").exec(output)?.[1] ?? 0),
    })),
  };
}

async function ended(child: ChildProcess): Promise<number | null> {
  const timer = setTimeout(() => child.kill("SIGKILL"), 120_000);
  const [code] = await once(child, "close");
  clearTimeout(timer);
  return code;
}
