import type { Operation } from "../../gen/google/longrunning/operations_pb.ts";
import { ranMs, type Summary, summarize, waitedMs } from "./summary.ts";
import { durationText, printable } from "./text.ts";

/** What tables show of an operation. */
export type Row = Omit<Summary, "message" | "response">;

/** The heads of the columns that `cells` fills. */
export const HEAD = ["NAME", "STAGE", "RESULT", "WAITED", "RAN", "WORKER", "ACTION"] as const;

const ACTION_LENGTH = 12;

/** The cells of a table on a terminal. */
export function cells(row: Row, nowMs: number): string[] {
  const { name, stage, result, worker, action } = row;
  const text = (ms: number | undefined) => (ms === undefined ? "" : durationText(ms));
  const times = [text(waitedMs(row, nowMs)), text(ranMs(row, nowMs))];
  return [name, stage, result, ...times, worker, action.slice(0, ACTION_LENGTH)].map(printable);
}

/** The fields of a line for programs, with tabs between them. */
export function fields({ name, stage, result, queuedAt, startedAt, completedAt, worker, action }: Row): string {
  const time = (ms: number | undefined) => (ms === undefined ? "" : new Date(ms).toISOString());
  const all = [name, stage, result, time(queuedAt), time(startedAt), time(completedAt), worker, action];
  return all.map(printable).join("\t");
}

/** What is to be kept of an operation for `cells`: a few hundred bytes, however large its response is. */
export function rowOf(operation: Operation): Row {
  const { name, stage, result, exitCode, queuedAt, startedAt, completedAt, worker, action } = summarize(operation);
  const start = action.slice(0, ACTION_LENGTH);
  return { name, stage, result, exitCode, queuedAt, startedAt, completedAt, worker, action: start };
}
