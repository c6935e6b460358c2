import { isOutage } from "./failure.ts";
import type { Shell } from "./shell.ts";

/** How long a server that was there may be gone. */
const LONGEST_OUTAGE_MS = 60_000;
const PAUSE_MS = 1_000;
/** Between two calls of which the first ended at once, so that a loop never spins. */
const BREATH_MS = 200;

/** Bears with a server that restarts while something is followed on it. */
export interface Patience {
  /** To be called with each answer of the server. */
  heard(): void;
  /**
   * Waits a moment when the server has answered before and has not been gone for more than a minute. Throws the error
   * otherwise, and when it is no outage.
   */
  endure(error: unknown): Promise<void>;
  /** Waits a short moment. */
  breathe(): Promise<void>;
}

/** Waits. Throws the signal's reason when the user stops the command. */
export async function pause(shell: Shell, ms: number): Promise<void> {
  const { signal, clock } = shell;
  signal.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.after(ms, resolve);
  const wake = () => resolve();
  signal.addEventListener("abort", wake, { once: true });
  // A timer of the clock does not keep the process alive, and nothing else may be there to do it.
  const alive = setInterval(() => {}, LONGEST_OUTAGE_MS);
  await promise;
  clearInterval(alive);
  timer.cancel();
  signal.removeEventListener("abort", wake);
  signal.throwIfAborted();
}

/** Makes the patience for one command. */
export function createPatience(shell: Shell): Patience {
  let heardOnce = false;
  let goneSince: number | undefined;
  return {
    heard: () => {
      heardOnce = true;
      goneSince = undefined;
    },
    endure: async (error) => {
      shell.signal.throwIfAborted();
      const now = shell.clock.now();
      goneSince ??= now;
      if (!heardOnce || !isOutage(error) || now - goneSince > LONGEST_OUTAGE_MS) throw error;
      await pause(shell, PAUSE_MS);
    },
    breathe: () => pause(shell, BREATH_MS),
  };
}
