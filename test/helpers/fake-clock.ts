import type { Clock } from "../../src/base/clock.ts";

/** A clock that stands still until the test moves it. */
export interface FakeClock extends Clock {
  /** Moves the time forward, running what falls due in order, and lets promises settle after each. */
  advance(ms: number): Promise<void>;
  /** How many timers are pending: a test of a clean end. */
  pending(): number;
}

/** Makes a clock that starts at a fixed time. */
export function fakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  let nowMs = startMs;
  const timers = new Map<object, { due: number; callback: () => void }>();
  const nextDue = (limit: number) =>
    [...timers].filter(([, timer]) => timer.due <= limit).sort((a, b) => a[1].due - b[1].due)[0];
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    after: (delayMs, callback) => {
      const handle = {};
      timers.set(handle, { due: nowMs + Math.max(delayMs, 0), callback });
      return { cancel: () => void timers.delete(handle) };
    },
    advance: async (ms) => {
      const end = nowMs + ms;
      for (let next = nextDue(end); next; next = nextDue(end)) {
        timers.delete(next[0]);
        nowMs = Math.max(nowMs, next[1].due);
        next[1].callback();
        await new Promise((resolve) => setImmediate(resolve));
      }
      nowMs = end;
      await new Promise((resolve) => setImmediate(resolve));
    },
    pending: () => timers.size,
  };
}
