/** A pending callback that can be called off. */
export interface Timer {
  cancel(): void;
}

/** The time and the alarm of one process. Everything that waits or stamps receives one, so that tests own the time. */
export interface Clock {
  /** Milliseconds since the Unix epoch, whole. */
  now(): number;
  /** Milliseconds since some moment, with fractions. Steps of the time do not show in it: to measure how long something took. */
  monotonic(): number;
  /** Runs `callback` once after `delayMs`. A pending timer never keeps the process alive. */
  after(delayMs: number, callback: () => void): Timer;
}

const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, callback) => {
    const handle = setTimeout(callback, Math.min(Math.max(delayMs, 0), LONGEST_DELAY_MS)).unref();
    return { cancel: () => clearTimeout(handle) };
  },
};
