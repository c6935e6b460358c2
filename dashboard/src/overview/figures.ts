import type { Duration } from "@bufbuild/protobuf/wkt";
import type { Figures, GetFiguresResponse } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { durationOf, msOf } from "../format/time.ts";

/** Values of the steps of a window, oldest first; null where there is none. */
export type Values = readonly (number | null)[];

/** Figures as charts show them. Counts are per minute, parts between 0 and 1, durations in milliseconds. */
export interface FigureSeries {
  /** When the steps begin, in milliseconds since the epoch. */
  readonly times: readonly number[];
  readonly stepMs: number;
  readonly submitted: Values;
  readonly succeeded: Values;
  readonly failed: Values;
  readonly cancelled: Values;
  readonly ended: Values;
  readonly queued: Values;
  readonly executing: Values;
  readonly cacheHits: Values;
  readonly failures: Values;
  readonly waitP50: Values;
  readonly waitP95: Values;
  readonly runP50: Values;
  readonly runP95: Values;
}

const MINUTE_MS = 60_000;
/** What is done in less of a step says little of how much is done in a minute. */
const LEAST_MS = 15_000;

/** A part of a whole; null where there is no whole. */
function part(some: bigint, all: bigint): number | null {
  return all === 0n ? null : Number(some) / Number(all);
}

function ms(duration: Duration | undefined): number | null {
  return durationOf(duration) ?? null;
}

/** Jobs that ended, cancelled ones too. */
export function endedCount({ succeededCount, failedCount, cancelledCount }: Figures): bigint {
  return succeededCount + failedCount + cancelledCount;
}

/** How many of the operations that were asked for the action cache answered. */
export function cacheHitRate({ cachedCount, submittedCount }: Figures): number | null {
  return part(cachedCount, submittedCount);
}

/** How many of the jobs that ended by themselves failed. */
export function failureRate({ failedCount, succeededCount }: Figures): number | null {
  return part(failedCount, failedCount + succeededCount);
}

/** The series of an answer that came at a time: its last step has lasted until then. */
export function seriesOf({ steps, step }: GetFiguresResponse, now: number): FigureSeries {
  const stepMs = durationOf(step) ?? MINUTE_MS;
  const starts = steps.map(({ startTime }) => msOf(startTime) ?? 0);
  const lasted = starts.map((start) => Math.min(stepMs, now - start));
  const each = (read: (figures: Figures) => number | null): Values => steps.map(read);
  const perMinute = (count: (figures: Figures) => bigint): Values =>
    steps.map((figures, index) => {
      const time = lasted[index] ?? 0;
      return time < LEAST_MS ? null : (Number(count(figures)) * MINUTE_MS) / time;
    });
  const noted = (count: bigint | undefined) => (count === undefined ? null : Number(count));
  return {
    times: starts,
    stepMs,
    submitted: perMinute((figures) => figures.submittedCount),
    succeeded: perMinute((figures) => figures.succeededCount),
    failed: perMinute((figures) => figures.failedCount),
    cancelled: perMinute((figures) => figures.cancelledCount),
    ended: perMinute(endedCount),
    queued: each((figures) => noted(figures.queuedCount)),
    executing: each((figures) => noted(figures.executingCount)),
    cacheHits: each(cacheHitRate),
    failures: each(failureRate),
    waitP50: each((figures) => ms(figures.queueDuration?.p50)),
    waitP95: each((figures) => ms(figures.queueDuration?.p95)),
    runP50: each((figures) => ms(figures.executionDuration?.p50)),
    runP95: each((figures) => ms(figures.executionDuration?.p95)),
  };
}

function mean(values: Values): number | undefined {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** How the last quarter of a window was, on average, compared with what came before; undefined when one is unknown. */
export function trendOf(values: Values): { readonly before: number; readonly lately: number } | undefined {
  const border = Math.ceil((values.length * 3) / 4);
  const before = mean(values.slice(0, border));
  const lately = mean(values.slice(border));
  return before === undefined || lately === undefined ? undefined : { before, lately };
}

/** The mean and the largest of values; undefined when there are none. */
export function digestOf(values: Values, times: readonly number[]) {
  const average = mean(values);
  if (average === undefined) return undefined;
  let [most, mostAt] = [Number.NEGATIVE_INFINITY, 0];
  values.forEach((value, index) => {
    if (value !== null && value > most) [most, mostAt] = [value, times[index] ?? 0];
  });
  return { average, most, mostAt };
}
