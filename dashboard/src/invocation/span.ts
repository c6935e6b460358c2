import type { Bar } from "./lanes.ts";

/** A part of the time of a build, in milliseconds since its beginning. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The shortest time that is shown across the chart, in milliseconds. */
export const SHORTEST = 10;

/** The span as far as it lies in what there is, no shorter than can be shown. */
export function within({ from, to }: Span, length: number): Span {
  const all = Math.max(length, SHORTEST);
  const size = Math.min(Math.max(to - from, SHORTEST), all);
  const start = Math.min(Math.max(0, from), all - size);
  return { from: start, to: start + size };
}

/** Shows `factor` times as much time, with the moment `at` where it was. */
export function zoomed({ from, to }: Span, factor: number, at: number, length: number): Span {
  const size = Math.min(Math.max((to - from) * factor, SHORTEST), Math.max(length, SHORTEST));
  const share = to > from ? (at - from) / (to - from) : 0.5;
  return within({ from: at - share * size, to: at + (1 - share) * size }, length);
}

/** Shows what lies `by` milliseconds later. */
export function moved({ from, to }: Span, by: number, length: number): Span {
  return within({ from: from + by, to: to + by }, length);
}

/** A span as the address has it: `1200-5000`. */
export function spanText({ from, to }: Span): string {
  return `${Math.round(from)}-${Math.round(to)}`;
}

/** What `spanText` made; undefined for what is none, and so for all. */
export function parseSpan(text: string | undefined): Span | undefined {
  const match = /^(\d{1,12})-(\d{1,12})$/.exec(text ?? "");
  if (!match) return undefined;
  const span = { from: Number(match[1]), to: Number(match[2]) };
  return span.to - span.from >= SHORTEST ? span : undefined;
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000];
const MINUTE = 60_000;
const LONG_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440].map((minutes) => minutes * MINUTE);

/** The marks of the axis: at most so many, at round times. `step` is the time between two. */
export function ticksOf(
  { from, to }: Span,
  most: number,
): { readonly step: number; readonly ticks: readonly number[] } {
  const least = (to - from) / Math.max(1, most);
  const step = [...STEPS, ...LONG_STEPS].find((each) => each >= least) ?? Math.ceil(least / MINUTE) * MINUTE;
  const ticks: number[] = [];
  for (let tick = Math.ceil(from / step) * step; tick <= to; tick += step) ticks.push(tick);
  return { step, ticks };
}

/** A mark of the axis: `0 s`, `2.5 s`, `1m 30s`, `2h 05m`. */
export function tickText(ms: number, step: number): string {
  if (ms < MINUTE || step < 1000)
    return `${(ms / 1000).toFixed(step >= 1000 ? 0 : step >= 100 ? 1 : step >= 10 ? 2 : 3)} s`;
  const seconds = Math.round(ms / 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h ${two(Math.floor((seconds % 3600) / 60))}m`;
}

/** Where the first bar is that ends after a time. In a track none overlap, so their ends are in order too. */
export function firstEndingAfter(track: readonly Bar[], time: number): number {
  let low = 0;
  let high = track.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((track[middle] as Bar).end > time) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The bar of a track at a time, or the nearest one that is no further away than `slack` milliseconds. */
export function barAt(track: readonly Bar[], time: number, slack: number): Bar | undefined {
  const index = firstEndingAfter(track, time);
  const next = track[index];
  if (next && next.start <= time) return next;
  const before = track[index - 1];
  const toNext = next ? next.start - time : Number.POSITIVE_INFINITY;
  const toBefore = before ? time - before.end : Number.POSITIVE_INFINITY;
  if (Math.min(toNext, toBefore) > slack) return undefined;
  return toNext < toBefore ? next : before;
}
