import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import { constants } from "node:os";
import type { Clock } from "../base/clock.ts";
import { endGroup, endStragglers, killGroup, watchGroup } from "./processes.ts";

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A process to run to its end. */
export interface ProcessPlan {
  /** Path of the program. */
  readonly file: string;
  /** With argv[0]. */
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Files to create for what it writes. */
  readonly stdout: string;
  readonly stderr: string;
  /** What belongs to this run alone; processes that still use it afterwards are killed. */
  readonly directory: string;
  /** 0 for no limit. */
  readonly timeoutMs: number;
}

/** How a process ended. */
export interface ProcessEnd {
  /** 128 + the signal's number when a signal ended it. */
  readonly exitCode: number;
  readonly timedOut: boolean;
}

/**
 * Runs a process in a process group of its own, with nothing on stdin, until it ends, its time is over or the signal
 * aborts. When the promise settles no process of the group is left. Rejects with the error of a failed start, or with
 * the signal's reason.
 */
export async function runProcess(plan: ProcessPlan, clock: Clock, signal: AbortSignal): Promise<ProcessEnd> {
  signal.throwIfAborted();
  const child = await start(plan);
  const pgid = child.pid as number;
  watchGroup(pgid);
  let timedOut = false;
  const kill = () => void killGroup(pgid);
  const timer = isTimer(plan.timeoutMs)
    ? clock.after(plan.timeoutMs, () => {
        timedOut = true;
        kill();
      })
    : undefined;
  signal.addEventListener("abort", kill);
  if (signal.aborted) kill();
  try {
    const [code, ended] =
      child.exitCode === null && child.signalCode === null
        ? await once(child, "exit")
        : [child.exitCode, child.signalCode];
    timer?.cancel();
    await endGroup(pgid, clock);
    await endStragglers(plan.directory, clock, pgid);
    signal.throwIfAborted();
    return { exitCode: code ?? 128 + signalNumber(ended), timedOut };
  } finally {
    timer?.cancel();
    signal.removeEventListener("abort", kill);
  }
}

async function start(plan: ProcessPlan): Promise<ChildProcess> {
  await using stdout = await open(plan.stdout, "ax", 0o600);
  await using stderr = await open(plan.stderr, "ax", 0o600);
  const child = spawn(plan.file, plan.argv.slice(1), {
    argv0: plan.argv[0],
    cwd: plan.cwd,
    env: plan.env,
    detached: true,
    stdio: ["ignore", stdout.fd, stderr.fd],
  });
  await once(child, "spawn");
  return child;
}

function isTimer(timeoutMs: number): boolean {
  return timeoutMs > 0 && timeoutMs <= LONGEST_TIMER_MS;
}

function signalNumber(name: NodeJS.Signals): number {
  return constants.signals[name];
}
