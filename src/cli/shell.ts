import { type Clock, systemClock } from "../base/clock.ts";

/** What a command gets from the process that it runs in, and all that it may use of it. */
export interface Shell {
  /** Writes to standard output. */
  out(text: string): void;
  /** Writes to standard error. */
  err(text: string): void;
  /** True when standard output is a terminal. */
  readonly terminal: boolean;
  /** Width of the terminal in characters, as it is now. */
  readonly columns: number;
  /** Height of the terminal in lines, as it is now. */
  readonly rows: number;
  /**
   * Writes `enter` to the terminal and, when this object is disposed of or the process ends or is suspended before,
   * `leave`; `enter` again when the process goes on.
   */
  takeTerminal(enter: string, leave: string): Disposable;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How this program is called, for the commands that it tells the user to try. */
  readonly self: string;
  /** Aborted by the first Ctrl-C or SIGTERM, with an Interruption as its reason. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** Why a command was stopped. */
export class Interruption extends Error {
  /** 128 and the number of the signal, as shells have it. */
  readonly exitCode: number;

  constructor(signal: string, exitCode: number) {
    super(`stopped by ${signal}`);
    this.name = "Interruption";
    this.exitCode = exitCode;
  }
}

/** SIGPIPE's number is 13: what a program dies of when nobody reads its output any more. */
const BROKEN_PIPE = 128 + 13;

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** The first signal asks to stop; a second one stops at once. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const [name, exitCode] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(exitCode);
      controller.abort(new Interruption(name, exitCode));
    });
  }
  return controller.signal;
}

/** SIGQUIT's number is 3. */
const QUIT = 128 + 3;

/** A terminal is written to synchronously, so that what leaves it is written also when the process exits. */
function takeTerminal(enter: string, leave: string): Disposable {
  const start = () => void process.stdout.write(enter);
  const restore = () => void process.stdout.write(leave);
  const suspend = () => {
    restore();
    // Stops here until somebody sends SIGCONT.
    process.kill(process.pid, "SIGSTOP");
    start();
  };
  const quit = () => process.exit(QUIT);
  process.on("exit", restore).on("SIGTSTP", suspend).on("SIGQUIT", quit);
  start();
  return {
    [Symbol.dispose]: () => {
      process.off("exit", restore).off("SIGTSTP", suspend).off("SIGQUIT", quit);
      restore();
    },
  };
}

function calledAs(): string {
  return process.env.npm_lifecycle_event === undefined ? "opgrid" : "npm run -s opgrid --";
}

/** The shell of this process. Takes over its signals; to be called once. */
export function processShell(): Shell {
  const { stdout, stderr } = process;
  stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? BROKEN_PIPE : 1));
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    terminal: stdout.isTTY === true,
    get columns() {
      return stdout.columns || 80;
    },
    get rows() {
      return stdout.rows || 24;
    },
    takeTerminal,
    env: process.env,
    self: calledAs(),
    signal: stopSignal(),
    clock: systemClock,
  };
}
