import { ranMs, type Summary, waitedMs } from "./summary.ts";
import { durationText, printable } from "./text.ts";

function moment(ms: number | undefined, lastedMs: number | undefined, verb: string): string {
  if (ms === undefined) return "";
  return `${new Date(ms).toISOString()}${lastedMs === undefined ? "" : ` (${verb} ${durationText(lastedMs)})`}`;
}

/** The lines that tell about an operation: label and value. */
export function describe(summary: Summary, nowMs: number): [string, string][] {
  return [
    ["name", summary.name],
    ["stage", summary.stage],
    ["result", summary.result],
    ["message", summary.message],
    ["action", summary.action],
    ["worker", summary.worker],
    ["queued", moment(summary.queuedAt, waitedMs(summary, nowMs), "waited")],
    ["started", moment(summary.startedAt, ranMs(summary, nowMs), "ran")],
    ["completed", moment(summary.completedAt, undefined, "")],
  ];
}

/** Label and value in two columns, without what is not known. */
export function lines(entries: readonly [string, string][]): string {
  const known = entries.filter(([, value]) => value !== "");
  const width = Math.max(...known.map(([label]) => label.length)) + 3;
  return known.map(([label, value]) => `${`${label}:`.padEnd(width)}${printable(value)}\n`).join("");
}
