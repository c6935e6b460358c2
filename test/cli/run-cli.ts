import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/base/clock.ts";
import { shellQuote } from "../../src/base/shell-quote.ts";
import { run, type Shell } from "../../src/cli/cli.ts";

/** What a command line left behind. */
export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line inside of this process, with a shell that writes down what it is told. */
export async function runCli(argv: readonly string[], shell: Partial<Shell> = {}): Promise<Outcome> {
  let out = "";
  let err = "";
  const code = await run(argv, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    terminal: false,
    columns: 200,
    rows: 24,
    takeTerminal: (enter, leave) => {
      out += enter;
      return {
        [Symbol.dispose]: () => {
          out += leave;
        },
      };
    },
    env: {},
    self: "opgrid",
    signal: new AbortController().signal,
    clock: systemClock,
    ...shell,
  });
  return { code, out, err };
}

const mainFile = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** A command line in a process of its own. */
export interface CliProcess {
  readonly pid: number | undefined;
  /** What it has written to standard output so far. */
  out(): string;
  err(): string;
  kill(signal: NodeJS.Signals): void;
  /** Closes our end of its standard output. */
  stopReading(): void;
  readonly ended: Promise<Outcome>;
}

/** Starts `opgrid` as a user does; it ends with the test at the latest. */
export function spawnCli(t: TestContext, argv: readonly string[], env: Record<string, string> = {}): CliProcess {
  const child = spawn(process.execPath, [mainFile, ...argv], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return followed(t, child, (signal) => void child.kill(signal));
}

/** The same on a terminal, with the help of `script` of util-linux; what it writes is all in `out`. */
export function spawnOnTerminal(t: TestContext, argv: readonly string[]): CliProcess {
  const words = [process.execPath, mainFile, ...argv].map(shellQuote).join(" ");
  const command = `stty cols 100 rows 20; echo "pid $$"; exec ${words}`;
  const child = spawn("script", ["-qefc", command, "/dev/null"], {
    env: { PATH: process.env.PATH, TERM: "xterm" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const started = followed(t, child, (signal) => {
    const [, pid] = /pid (\d+)/.exec(started.out()) ?? [];
    if (pid) process.kill(Number(pid), signal);
  });
  return started;
}

function followed(t: TestContext, child: ChildProcess, kill: CliProcess["kill"]): CliProcess {
  let out = "";
  let err = "";
  child.stdout?.setEncoding("utf8").on("data", (text) => {
    out += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text) => {
    err += text;
  });
  const closed = once(child, "close");
  t.after(async () => {
    child.kill("SIGKILL");
    await closed;
  });
  return {
    pid: child.pid,
    out: () => out,
    err: () => err,
    kill,
    stopReading: () => void child.stdout?.destroy(),
    ended: closed.then(([code]) => ({ code: code as number | null, out, err })),
  };
}
