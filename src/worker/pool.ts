import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Clock, Timer } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { pause } from "./waiting.ts";

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 30_000;
/** A bot that lived this long is started again without delay, whatever happened before. */
const STEADY_MS = 30_000;
/** What a bot may take beyond its grace time to report and to leave. */
const LEAVING_MS = 20_000;

/** Bots as child processes, so that a crash of one takes neither the server nor the other bots with it. */
export interface BotPool extends AsyncDisposable {
  /** The processes that are alive now. */
  pids(): number[];
  /** Stops all bots with SIGTERM, kills those that do not leave in time; resolves when none is left. */
  close(): Promise<void>;
}

/** How the bots of a pool are started. */
export interface BotPoolOptions {
  readonly count: number;
  /** Arguments of bot `index`, as `["bot", "--remote", ...]`. Bots that may outlive their pool should be numbered. */
  args(index: number): readonly string[];
  /** The program; default the one that is running. */
  readonly entry?: string | undefined;
  /** Environment of the bots; default this process's. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** The grace time that the bots were given, in milliseconds; default 30 000. */
  readonly graceMs?: number | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Starts bots and keeps their number: one that ends, for whatever reason, is started again, after a pause that doubles
 * while it does not live long. A bot notices when this process dies and leaves by itself (see `botSignals`).
 */
export function startBotPool(options: BotPoolOptions): BotPool {
  const keepers = Array.from({ length: options.count }, (_, index) => keepBot(options, index));
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= Promise.all(keepers.map((keeper) => keeper.close())).then(() => {});
    return closing;
  };
  return {
    pids: () => keepers.flatMap((keeper) => keeper.pid() ?? []),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** One place of the pool, with at most one live process. */
interface Keeper {
  pid(): number | undefined;
  close(): Promise<void>;
}

function keepBot(options: BotPoolOptions, index: number): Keeper {
  const { clock, log } = options;
  let child: ChildProcess | undefined;
  let restart: Timer | undefined;
  let crashes = 0;
  let closed = false;

  function begin(): void {
    const startedAt = clock.now();
    const started = forkBot(options, index);
    child = started;
    log.debug({ bot: index, pid: started.pid }, "bot process started");
    const onEnd = (reason: object) => {
      if (child !== started) return;
      child = undefined;
      if (closed) return;
      if (clock.now() - startedAt >= STEADY_MS) crashes = 0;
      const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(crashes++, 10));
      log.warn({ bot: index, ...reason, delayMs }, "bot process ended; starting another");
      restart = clock.after(delayMs, begin);
    };
    started.once("exit", (code, signal) => onEnd({ code, signal }));
    started.once("error", (error) => onEnd({ error: error.message }));
  }

  async function close(): Promise<void> {
    closed = true;
    restart?.cancel();
    const leaving = child;
    if (!leaving || leaving.exitCode !== null || leaving.signalCode !== null) return;
    const exited = once(leaving, "exit");
    leaving.kill("SIGTERM");
    const gone = new AbortController();
    const ended = exited.then(() => gone.abort());
    await pause(clock, (options.graceMs ?? 30_000) + LEAVING_MS, gone.signal);
    if (!gone.signal.aborted) {
      log.warn({ bot: index, pid: leaving.pid }, "bot process did not leave; killing it");
      leaving.kill("SIGKILL");
    }
    await ended;
  }

  begin();
  return { pid: () => child?.pid, close };
}

function forkBot({ entry, args, env }: BotPoolOptions, index: number): ChildProcess {
  const program = entry ?? process.argv[1];
  if (program === undefined) throw new TypeError("the program to start bots with is not known");
  return fork(program, [...args(index)], {
    // A debugger's port can be used once only.
    execArgv: process.execArgv.filter((argument) => !argument.startsWith("--inspect")),
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    // A process group of its own: Ctrl-C is for this process, which then tells the bots, once.
    detached: true,
    ...(env && { env }),
  });
}
