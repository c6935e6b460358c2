import { type Row, ranMs, waitedMs } from "../operations/row.ts";
import { type Look, lookOf } from "../ui/standing.ts";

/** How many operations have each look. */
export type Counts = Readonly<Record<Look, number>>;

/** An operation with what it is ranked by, in milliseconds. */
export interface Ranked {
  readonly row: Row;
  readonly ms: number;
}

/** What the operations of a build come to. Times are milliseconds since the epoch, durations milliseconds. */
export interface Figures {
  readonly total: number;
  readonly counts: Counts;
  /** When the first was queued. */
  readonly beganAt: number | undefined;
  /** When the last one moved. */
  readonly movedAt: number | undefined;
  /** How long they waited, of those that a worker started. */
  readonly waits: Quantiles | undefined;
  /** The longest runs and waits, longest first. */
  readonly slowest: readonly Ranked[];
  readonly waited: readonly Ranked[];
  /** What failed, in the order in which it ended; at most `MOST_FAILURES`. */
  readonly failures: readonly Row[];
}

/** How some durations are spread, in milliseconds. */
export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
}

/** How many failures and how many of the slowest are kept. */
export const MOST_FAILURES = 50;
const MOST_RANKED = 20;

/** No operation of any look. */
export function noCounts(): Record<Look, number> {
  return { queued: 0, executing: 0, succeeded: 0, cached: 0, failed: 0, cancelled: 0, unknown: 0 };
}

/** How many have ended, in whatever way. */
export function endedOf({ succeeded, cached, failed, cancelled }: Counts): number {
  return succeeded + cached + failed + cancelled;
}

/** How many wait or run. */
export function liveOf({ queued, executing, unknown }: Counts): number {
  return queued + executing + unknown;
}

/** The figures of the rows of a build as they are at a moment. */
export function figuresOf(rows: readonly Row[], now: number): Figures {
  const counts = noCounts();
  const waits = new Float64Array(rows.length);
  const slowest = createRanking(MOST_RANKED);
  const waited = createRanking(MOST_RANKED);
  const failures: Row[] = [];
  let waitCount = 0;
  let beganAt = Number.POSITIVE_INFINITY;
  let movedAt = Number.NEGATIVE_INFINITY;
  for (const row of rows) {
    const look = lookOf(row);
    counts[look] += 1;
    if (look === "failed") failures.push(row);
    beganAt = Math.min(beganAt, row.queuedAt ?? beganAt);
    movedAt = Math.max(movedAt, row.completedAt ?? row.startedAt ?? row.queuedAt ?? movedAt);
    if (row.cached) continue;
    slowest.put(row, ranMs(row, now));
    const wait = waitedMs(row, now);
    waited.put(row, wait);
    if (row.startedAt !== undefined && wait !== undefined) waits[waitCount++] = wait;
  }
  failures.sort((a, b) => (a.completedAt ?? 0) - (b.completedAt ?? 0));
  return {
    total: rows.length,
    counts,
    beganAt: Number.isFinite(beganAt) ? beganAt : undefined,
    movedAt: Number.isFinite(movedAt) ? movedAt : undefined,
    waits: quantilesOf(waits.subarray(0, waitCount)),
    slowest: slowest.ranked(),
    waited: waited.ranked(),
    failures: failures.slice(0, MOST_FAILURES),
  };
}

/** The median, and what all but one of twenty are at most; undefined of none. Sorts what it is given. */
export function quantilesOf(values: Float64Array): Quantiles | undefined {
  if (values.length === 0) return undefined;
  values.sort();
  const at = (share: number) => values[Math.max(0, Math.ceil(share * values.length) - 1)] as number;
  return { p50: at(0.5), p95: at(0.95) };
}

/** Keeps the rows with the largest figures. */
function createRanking(most: number) {
  const kept: Ranked[] = [];
  return {
    put: (row: Row, ms: number | undefined) => {
      const last = kept.at(-1);
      if (!ms || (kept.length === most && last && last.ms >= ms)) return;
      let place = kept.length;
      while (place > 0 && (kept[place - 1] as Ranked).ms < ms) place -= 1;
      kept.splice(place, 0, { row, ms });
      if (kept.length > most) kept.pop();
    },
    ranked: (): readonly Ranked[] => kept,
  };
}
