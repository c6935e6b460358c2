import type { Clock } from "./clock.ts";

/** Less than what those who ask wait for an answer, and more than a database takes that is only busy. */
const ANSWER_WITHIN_MS = 2000;

/** How long a change can go unnoticed by those who follow. */
const LOOK_EVERY_MS = 1000;

/** Whether calls can be served: `unavailable` when what they stand on does not answer, `draining` from the shutdown on. */
export type ReadyState = "ready" | "unavailable" | "draining";

/** What every kind of probe of one server asks. */
export interface Readiness {
  /** Asks, once for all who want to know at the same time; no answer within two seconds is `unavailable`. */
  now(): Promise<ReadyState>;
  /** The state now and whatever it changes to; ends after `draining`, or when the signal fires. */
  follow(signal: AbortSignal): AsyncGenerator<ReadyState>;
}

/** What readiness stands on. */
export interface ReadinessDeps {
  /** Rejects, or takes long, when calls cannot be served. */
  readonly ready: () => Promise<void>;
  /** Fires when the server begins to shut down. */
  readonly draining: AbortSignal;
  readonly clock: Clock;
}

/** Makes the readiness of one server. While nobody asks or follows it asks nothing. */
export function createReadiness({ ready, draining, clock }: ReadinessDeps): Readiness {
  let asking: Promise<ReadyState> | undefined;
  let looking = false;
  const followers = new Set<() => void>();

  async function ask(): Promise<ReadyState> {
    try {
      await ready();
      return "ready";
    } catch {
      return "unavailable";
    } finally {
      asking = undefined;
    }
  }

  async function now(): Promise<ReadyState> {
    if (draining.aborted) return "draining";
    asking ??= ask();
    const late = Promise.withResolvers<ReadyState>();
    const timer = clock.after(ANSWER_WITHIN_MS, () => late.resolve("unavailable"));
    const answer = await Promise.race([asking, late.promise]);
    timer.cancel();
    return draining.aborted ? "draining" : answer;
  }

  /** Wakes all followers at the same time, so that they ask once. */
  function look(): void {
    looking = false;
    for (const wake of followers) wake();
  }

  function nextLook(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        followers.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      followers.add(wake);
      signal.addEventListener("abort", wake);
      if (looking) return;
      looking = true;
      clock.after(LOOK_EVERY_MS, look);
    });
  }

  async function* follow(signal: AbortSignal): AsyncGenerator<ReadyState> {
    const ended = AbortSignal.any([signal, draining]);
    let told: ReadyState | undefined;
    while (!signal.aborted && told !== "draining") {
      const state = await now();
      if (state !== told && !signal.aborted) yield state;
      told = state;
      await nextLook(ended);
    }
  }

  return { now, follow };
}
