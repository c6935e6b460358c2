import type { Clock, Timer } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { JobOutcome, JobRecord } from "../operations/operations.ts";
import type { FigureRecord, Store } from "../store/store.ts";
import { classOf } from "./durations.ts";
import { Slot } from "./figure-counts.ts";
import { type FigureReport, ReportBuilder, windowOf } from "./figure-report.ts";
import { createTally } from "./tally.ts";

/** Counts what happens. To count costs no call of the store: that is told every few seconds. */
export interface FigureKeeper {
  /** A client asked for an operation: with a job of its own, one that was there already, or an answer from the cache. */
  submitted(instance: string, now: number, how: "new" | "merged" | "cached"): void;
  /** A bot got a job. How long it had waited counts the first time only. */
  started(job: JobRecord): void;
  /** A job ended by an outcome; `startedAt` as the bot reported it with that. */
  ended(job: JobRecord, now: number, end: { outcome: JobOutcome; startedAt: number | undefined }): void;
  cancelled(instance: string, now: number): void;
  /** A job went back to the queue. */
  retried(instance: string, now: number): void;
  /** The figures of some instances together, in a window of `lengthMs` up to now. */
  report(instances: readonly string[], lengthMs: number): Promise<FigureReport>;
  /** Saves what is not saved yet. A failure is logged, and what it is about stays. */
  save(): Promise<void>;
  /** Saves for the last time. */
  stop(): Promise<void>;
}

const SAVE_EVERY_MS = 5000;

/** One call of the store saves at most this many records. */
const SAVE_BATCH = 500;

/** Makes the figures of a process. */
export function createFigureKeeper(deps: { store: Store; clock: Clock; log: Logger }): FigureKeeper {
  const { store, clock, log } = deps;
  const tally = createTally();
  let timer: Timer | undefined;
  let saving: Promise<void> = Promise.resolve();
  let failing = false;
  let stopped = false;

  function saveSoon(): void {
    if (!timer && !stopped) timer = clock.after(SAVE_EVERY_MS, () => void save());
  }

  function add(instance: string, now: number, slot: number): void {
    tally.add(instance, now, slot);
    saveSoon();
  }

  /** One after the other, or an older count could come to lie over a newer one. */
  function save(): Promise<void> {
    timer?.cancel();
    timer = undefined;
    saving = saving.then(saveAll);
    return saving;
  }

  async function saveAll(): Promise<void> {
    try {
      const unsaved = tally.unsaved();
      for (let i = 0; i < unsaved.length; i += SAVE_BATCH) {
        const batch = unsaved.slice(i, i + SAVE_BATCH);
        await store.putFigures(batch.map(({ record }) => record));
        for (const { saved } of batch) saved();
      }
      if (failing) log.info({ dropped: tally.dropped }, "figures are saved again");
      failing = false;
    } catch (error) {
      if (!failing) log.warn({ err: error }, "cannot save figures");
      failing = true;
      saveSoon();
    }
  }

  /** What is counted here lies over what was saved of it. */
  async function recordsOf(instance: string, from: number, to: number): Promise<FigureRecord[]> {
    const here = tally.recordsOf(instance);
    const parts = new Set(here.map(({ part }) => part));
    const saved = await store.figures(instance, from, to);
    return [...saved.filter(({ part }) => !parts.has(part)), ...here];
  }

  return {
    submitted: (instance, now, how) => {
      add(instance, now, Slot.SUBMITTED);
      if (how === "cached") add(instance, now, Slot.CACHED);
      if (how === "merged") add(instance, now, Slot.MERGED);
    },
    started: ({ instance, attempts, queuedAt, assignedAt }) => {
      if (attempts !== 1 || assignedAt === undefined) return;
      add(instance, assignedAt, Slot.WAITS + classOf(assignedAt - queuedAt));
    },
    ended: (job, now, { outcome, startedAt = job.startedAt }) => {
      add(job.instance, now, outcome.exitCode === 0 ? Slot.SUCCEEDED : Slot.FAILED);
      if (outcome.exitCode === undefined || job.assignedAt === undefined) return;
      // The clock of a bot may be wrong, but it did not start before it got the job.
      add(job.instance, now, Slot.RUNS + classOf(now - Math.max(startedAt ?? 0, job.assignedAt)));
    },
    cancelled: (instance, now) => add(instance, now, Slot.CANCELLED),
    retried: (instance, now) => add(instance, now, Slot.RETRIED),

    report: async (instances, lengthMs) => {
      const window = windowOf(clock.now(), lengthMs);
      const builder = new ReportBuilder(window);
      const to = window.from + window.steps * window.stepMinutes - 1;
      for (const instance of instances) builder.add(await recordsOf(instance, window.from, to));
      return builder.report();
    },
    save,
    stop: () => {
      stopped = true;
      return save();
    },
  };
}
