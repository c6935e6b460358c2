import { CLASSES } from "./durations.ts";

/** Where in a row of counts something is counted. Kept in the store: numbers are added, never changed. */
export const Slot = {
  SUBMITTED: 0,
  CACHED: 1,
  MERGED: 2,
  SUCCEEDED: 3,
  FAILED: 4,
  CANCELLED: 5,
  RETRIED: 6,
  QUEUED: 7,
  EXECUTING: 8,
  /** The first of the classes of durations. */
  WAITS: 16,
  RUNS: 16 + CLASSES,
} as const;
export type Slot = (typeof Slot)[keyof typeof Slot];

/** The length of a row of counts. */
export const SLOTS = Slot.RUNS + CLASSES;

const MOST_BYTES_OF_A_NUMBER = 7;

/** Encodes a row of counts: for each that is not 0 how many slots are passed over, then the count, both as varints. */
export function encodeCounts(counts: ArrayLike<number>): Uint8Array {
  const bytes: number[] = [];
  let next = 0;
  for (let slot = 0; slot < SLOTS; slot++) {
    const count = counts[slot] ?? 0;
    if (count === 0) continue;
    putNumber(bytes, slot - next);
    putNumber(bytes, count);
    next = slot + 1;
  }
  return Uint8Array.from(bytes);
}

/** Adds an encoded row to another one; slots of a newer version are passed over, and what is damaged ends it. */
export function addCounts(bytes: Uint8Array, to: Float64Array): void {
  let at = 0;
  const number = () => {
    let value = 0;
    for (let i = 0; i < MOST_BYTES_OF_A_NUMBER; i++) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) break;
    }
    return value;
  };
  for (let slot = number(); at < bytes.length && slot < SLOTS; slot += 1 + number()) {
    to[slot] = (to[slot] ?? 0) + number();
  }
}

function putNumber(bytes: number[], value: number): void {
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
}
