import type { Clock } from "../base/clock.ts";

/** One listener's view of a topic: changes are counted, not queued, so a slow listener costs one flag. */
export interface Subscription {
  /**
   * Resolves with "changed" when the topic was published since the last call, "tick" after `tickMs` without that, and
   * "aborted" when the signal fires.
   */
  next(signal: AbortSignal, tickMs: number): Promise<"changed" | "tick" | "aborted">;
  close(): void;
}

/** Wakes the local listeners of a key. Says only that something changed; the listener reads the state itself. */
export interface Topics {
  subscribe(key: string): Subscription;
  publish(key: string): void;
  /** Wakes the listeners of all keys. */
  publishAll(): void;
  /** Keys that somebody listens to; for tests of a clean end. */
  readonly size: number;
}

interface Listener {
  changed: boolean;
  wake: (() => void) | undefined;
}

/** Makes an empty set of topics. `after` is the clock's alarm. */
export function createTopics(clock: Clock): Topics {
  const topics = new Map<string, Set<Listener>>();

  function leave(key: string, listener: Listener) {
    const listeners = topics.get(key);
    listeners?.delete(listener);
    if (listeners?.size === 0) topics.delete(key);
  }

  function publish(key: string) {
    for (const listener of topics.get(key) ?? []) {
      listener.changed = true;
      listener.wake?.();
    }
  }

  return {
    get size() {
      return topics.size;
    },
    publish,
    publishAll: () => {
      for (const key of topics.keys()) publish(key);
    },
    subscribe: (key) => {
      const listener: Listener = { changed: false, wake: undefined };
      const listeners = topics.get(key) ?? new Set();
      topics.set(key, listeners.add(listener));
      return {
        next: async (signal, tickMs) => {
          if (!listener.changed) await sleep(listener, signal, tickMs, clock);
          if (signal.aborted) return "aborted";
          if (!listener.changed) return "tick";
          listener.changed = false;
          return "changed";
        },
        close: () => leave(key, listener),
      };
    },
  };
}

function sleep(listener: Listener, signal: AbortSignal, tickMs: number, clock: Clock): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = () => {
      timer.cancel();
      signal.removeEventListener("abort", wake);
      listener.wake = undefined;
      resolve();
    };
    const timer = clock.after(tickMs, wake);
    signal.addEventListener("abort", wake);
    listener.wake = wake;
  });
}
