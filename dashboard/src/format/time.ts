import { type Duration, durationMs, type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";

/** The last millisecond that a Date can hold. */
const LAST_MS = 8.64e15;

/** Milliseconds since the epoch, or undefined for no time, and for one that no Date can hold. */
export function msOf(timestamp: Timestamp | undefined): number | undefined {
  const ms = timestamp && timestampMs(timestamp);
  return ms !== undefined && Math.abs(ms) <= LAST_MS ? ms : undefined;
}

/** Milliseconds, or undefined for no duration. */
export function durationOf(duration: Duration | undefined): number | undefined {
  return duration && durationMs(duration);
}

const two = (value: number) => String(value).padStart(2, "0");

/** A duration for people: `120 ms`, `4.2 s`, `3m 05s`, `2h 07m`, `3d 04h`. */
export function durationText(ms: number): string {
  const positive = Math.max(0, ms);
  if (positive < 1000) return `${Math.round(positive)} ms`;
  if (positive < 60_000) return `${(Math.floor(positive / 100) / 10).toFixed(1)} s`;
  const seconds = Math.floor(positive / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h ${two(Math.floor((seconds % 3600) / 60))}m`;
  return `${Math.floor(seconds / 86_400)}d ${two(Math.floor((seconds % 86_400) / 3600))}h`;
}

/** A duration that grows while it is looked at, in whole seconds: `4 s`, `3m 05s`, `2h 07m`. */
export function tickingText(ms: number): string {
  return ms < 60_000 ? `${Math.floor(Math.max(0, ms) / 1000)} s` : durationText(ms);
}

/** How long ago, in whole units: `now`, `12 s ago`, `3 min ago`, `5 h ago`, `2 d ago`. */
export function agoText(ms: number, now: number): string {
  const seconds = Math.floor((now - ms) / 1000);
  if (seconds < 1) return "now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** `14:03:22.117`, in the reader's zone. */
function clockText(ms: number): string {
  const date = new Date(ms);
  const whole = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${whole}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** `2026-01-31 14:03:22.117`, in the reader's zone. */
export function dateText(ms: number): string {
  const date = new Date(ms);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clockText(ms)}`;
}
