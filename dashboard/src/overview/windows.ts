import { FAILED } from "../operations/standing-condition.ts";
/** How far back the overview looks. */
export interface Window {
  /** As in the address. */
  readonly id: string;
  /** In a sentence: `in the last hour`. */
  readonly words: string;
  readonly seconds: number;
  /** A quarter of it, in words. */
  readonly quarter: string;
}

/** The windows to choose from; the first one is the default. */
export const WINDOWS: readonly [Window, ...Window[]] = [
  { id: "1h", words: "hour", seconds: 3600, quarter: "15 minutes" },
  { id: "6h", words: "6 hours", seconds: 6 * 3600, quarter: "90 minutes" },
  { id: "24h", words: "24 hours", seconds: 24 * 3600, quarter: "6 hours" },
];

/** The window of an address; the first one where there is no such. */
export function windowOf(id: string | undefined): Window {
  return WINDOWS.find((window) => window.id === id) ?? WINDOWS[0];
}

/** What failed in a window that ends now, the latest first. */
export function failureFilter({ id }: Window): string {
  return `${FAILED} AND completed_time > now-${id} AND sort_order = completed_time(desc)`;
}
