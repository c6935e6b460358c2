import type { FigureRecord } from "../store/store.ts";
import { CLASSES, type Durations, durationsOf } from "./durations.ts";
import { addCounts, SLOTS, Slot } from "./figure-counts.ts";
import { MINUTE_MS } from "./tally.ts";

/** What was done in some time, and how fast. */
export interface Figures {
  /** When that time began. */
  readonly startsAt: number;
  readonly submitted: number;
  readonly cached: number;
  readonly merged: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly retried: number;
  /** What waited and ran when that was noted last; undefined when it was not. */
  readonly live: { readonly queued: number; readonly executing: number } | undefined;
  readonly waits: Durations;
  readonly runs: Durations;
}

/** The figures of a window, step by step. */
export interface FigureReport {
  readonly stepMs: number;
  /** The oldest first; the last one has not ended. */
  readonly steps: readonly Figures[];
  readonly total: Figures;
}

/** Of which minutes a report is, and how they are put together. */
export interface Window {
  /** Minutes since the epoch. */
  readonly from: number;
  readonly stepMinutes: number;
  readonly steps: number;
}

/** The longest window that figures are kept for. */
export const LONGEST_WINDOW_MS = 24 * 60 * MINUTE_MS;

/** The part under which what waits and runs is noted; all others are counts. */
export const NOTED = 0;

const MOST_STEPS = 60;

/** Divides the time before `now`. Steps begin at multiples of their length, so that they stay the same while time passes. */
export function windowOf(now: number, lengthMs: number): Window {
  const minutes = Math.ceil(lengthMs / MINUTE_MS);
  const stepMinutes = Math.ceil(minutes / MOST_STEPS);
  const steps = Math.ceil(minutes / stepMinutes);
  const last = Math.floor(now / MINUTE_MS / stepMinutes);
  return { from: (last - steps + 1) * stepMinutes, stepMinutes, steps };
}

interface Sum {
  readonly counts: Float64Array;
  isNoted: boolean;
}

/** Puts records together to a report. */
export class ReportBuilder {
  readonly #window: Window;
  readonly #steps: readonly Sum[];

  constructor(window: Window) {
    this.#window = window;
    this.#steps = Array.from({ length: window.steps }, emptySum);
  }

  /** Adds the records of one instance, in order of their minutes. */
  add(records: Iterable<FigureRecord>): void {
    const noted: FigureRecord[] = [];
    for (const record of records) {
      const step = Math.floor((record.minute - this.#window.from) / this.#window.stepMinutes);
      const sum = this.#steps[step];
      if (!sum) continue;
      if (record.part === NOTED) noted[step] = record;
      else addCounts(record.counts, sum.counts);
    }
    for (const [step, record] of noted.entries()) {
      const sum = this.#steps[step];
      if (!sum || !record) continue;
      addCounts(record.counts, sum.counts);
      sum.isNoted = true;
    }
  }

  report(): FigureReport {
    const { from, stepMinutes } = this.#window;
    const stepMs = stepMinutes * MINUTE_MS;
    const startsAt = from * MINUTE_MS;
    return {
      stepMs,
      steps: this.#steps.map((sum, i) => figuresOf(sum, startsAt + i * stepMs)),
      total: figuresOf(this.#total(), startsAt),
    };
  }

  /** Counts of all steps; what waits and runs is no sum, but as it was noted last. */
  #total(): Sum {
    const total = emptySum();
    for (const { counts, isNoted } of this.#steps) {
      for (let slot = 0; slot < SLOTS; slot++) {
        const isGauge = slot === Slot.QUEUED || slot === Slot.EXECUTING;
        const count = counts[slot] ?? 0;
        if (!isGauge) total.counts[slot] = (total.counts[slot] ?? 0) + count;
        else if (isNoted) total.counts[slot] = count;
      }
      total.isNoted ||= isNoted;
    }
    return total;
  }
}

function emptySum(): Sum {
  return { counts: new Float64Array(SLOTS), isNoted: false };
}

function figuresOf({ counts, isNoted }: Sum, startsAt: number): Figures {
  const of = (slot: Slot) => counts[slot] ?? 0;
  return {
    startsAt,
    ...{ submitted: of(Slot.SUBMITTED), cached: of(Slot.CACHED), merged: of(Slot.MERGED) },
    ...{ succeeded: of(Slot.SUCCEEDED), failed: of(Slot.FAILED), cancelled: of(Slot.CANCELLED) },
    retried: of(Slot.RETRIED),
    live: isNoted ? { queued: of(Slot.QUEUED), executing: of(Slot.EXECUTING) } : undefined,
    waits: durationsOf(counts.subarray(Slot.WAITS, Slot.WAITS + CLASSES)),
    runs: durationsOf(counts.subarray(Slot.RUNS, Slot.RUNS + CLASSES)),
  };
}
