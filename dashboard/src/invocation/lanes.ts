import { type Row, ranMs } from "../operations/row.ts";
import { lookOf } from "../ui/standing.ts";

/** An action on a worker. Times are milliseconds since the epoch; what still runs ends at `Infinity`. */
export interface Bar {
  readonly row: Row;
  readonly start: number;
  readonly end: number;
}

/** A worker and what it ran. */
export interface Lane {
  readonly worker: string;
  /** In each one after the other, in order: no two overlap. */
  readonly tracks: readonly (readonly Bar[])[];
  readonly actions: number;
  readonly failed: number;
  readonly executing: number;
  /** Sum of the ended actions' run times, in milliseconds. */
  readonly endedMs: number;
  /** Sum of the starts of those that run: at a time t they have run for `executing * t - runningSince`. */
  readonly runningSince: number;
}

const names = new Intl.Collator("en", { numeric: true });

/** The workers of a build in order of their names, with all that they ran. What the cache answered is on none. */
export function lanesOf(rows: readonly Row[]): Lane[] {
  const workers = new Map<string, Bar[]>();
  for (const row of rows) {
    const bar = barOf(row);
    if (!bar) continue;
    const bars = workers.get(row.worker);
    if (bars) bars.push(bar);
    else workers.set(row.worker, [bar]);
  }
  return [...workers].sort(([a], [b]) => names.compare(a, b)).map(([worker, bars]) => laneOf(worker, bars));
}

function barOf(row: Row): Bar | undefined {
  const { startedAt, completedAt, worker } = row;
  if (worker === "" || startedAt === undefined || ranMs(row, startedAt) === undefined) return undefined;
  return { row, start: startedAt, end: Math.max(startedAt, completedAt ?? Number.POSITIVE_INFINITY) };
}

function laneOf(worker: string, bars: Bar[]): Lane {
  bars.sort((a, b) => a.start - b.start || b.end - a.end || (a.row.name < b.row.name ? -1 : 1));
  const apart = withoutTwins(bars);
  const running = apart.filter(({ end }) => end === Number.POSITIVE_INFINITY);
  return {
    worker,
    tracks: tracksOf(apart),
    actions: apart.length,
    failed: apart.filter(({ row }) => lookOf(row) === "failed").length,
    executing: running.length,
    endedMs: sum(apart.map(({ start, end }) => (end === Number.POSITIVE_INFINITY ? 0 : end - start))),
    runningSince: sum(running.map(({ start }) => start)),
  };
}

/** Two operations of a build can want the same job: a worker ran it once. */
function withoutTwins(bars: readonly Bar[]): readonly Bar[] {
  let start = Number.NaN;
  let seen = new Set<string>();
  return bars.filter((bar) => {
    if (bar.start !== start) {
      start = bar.start;
      seen = new Set();
    }
    const isNew = !seen.has(bar.row.action);
    seen.add(bar.row.action);
    return isNew;
  });
}

/** Puts each bar into the first track that is free when it starts. The bars come in order of their starts. */
export function tracksOf(bars: readonly Bar[]): Bar[][] {
  const tracks: Bar[][] = [];
  for (const bar of bars) {
    const free = tracks.find((track) => (track.at(-1) as Bar).end <= bar.start);
    if (free) free.push(bar);
    else tracks.push([bar]);
  }
  return tracks;
}

/** For how long the actions of some workers ran in all, those that still run included, in milliseconds. */
export function executionMs(lanes: readonly Lane[], now: number): number {
  return sum(
    lanes.map(({ endedMs, executing, runningSince }) => endedMs + Math.max(0, executing * now - runningSince)),
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
