import { type Clock, systemClock } from "../base/clock.ts";

/** What a command gets from the process that it runs in, and all that it may use of it. */
export interface Shell {
  /** Writes to standard output. */
  out(text: string): void;
  /** Writes to standard error. */
  err(text: string): void;
  /** True when standard output is a terminal. */
  readonly terminal: boolean;
  /** Width of the terminal in characters. */
  readonly columns: number;
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
    columns: stdout.columns || 80,
    env: process.env,
    self: calledAs(),
    signal: stopSignal(),
    clock: systemClock,
  };
}
