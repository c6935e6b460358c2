import type { Clock } from "../base/clock.ts";

/** Resolves after `ms`, or earlier when the signal aborts; never rejects. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      timer.cancel();
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const timer = clock.after(ms, finish);
    signal?.addEventListener("abort", finish, { once: true });
  });
}

/** Lets everything else that is due go first. */
export function yieldTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Something that one loop sleeps on and others wake it by. A ring while nobody sleeps is kept for the next sleep. */
export interface Bell {
  ring(): void;
  /** Resolves at the first ring since the last sleep, or after `ms`. */
  sleep(ms: number): Promise<void>;
}

/** Makes a bell that has not rung. */
export function createBell(clock: Clock): Bell {
  let rung = new AbortController();
  return {
    ring: () => rung.abort(),
    sleep: async (ms) => {
      await pause(clock, ms, rung.signal);
      if (rung.signal.aborted) rung = new AbortController();
    },
  };
}

/**
 * Visits all items, at most `limit` of them at a time. After a failure no further item is begun; the promise rejects
 * with the first failure when no visit is running any more, so that the caller can clean up behind it.
 */
export async function eachLimited<T>(
  items: readonly T[],
  limit: number,
  visit: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const lane = async () => {
    while (next < items.length && !failure) {
      try {
        await visit(items[next++] as T);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  if (failure) throw failure.error;
}
