import type { OperationChange } from "../../gen/opgrid/v1/opgrid_pb.ts";
import { codeName } from "./failure.ts";
import type { FilterFlags } from "./filter-flags.ts";
import type { FeedEvent } from "./operation-feed.ts";
import { cells, HEAD, rowOf } from "./operation-row.ts";
import { firstRows, type PlacedRow, rowOrder } from "./row-order.ts";
import type { Picture } from "./screen.ts";
import { durationText, printable, table } from "./text.ts";

/** The operations that match, as they are now. */
export interface LiveTable extends Picture {
  take(event: FeedEvent, nowMs: number): void;
}

/** How the connection is, in words. */
type State = (nowMs: number) => string;

const STAGES = ["UNKNOWN", "CACHE_CHECK", "QUEUED", "EXECUTING", "COMPLETED", "RUNNING", "DONE"];

/** The lines that are no rows: counts, connection, and the heads of the columns. */
const HEAD_LINES = 3;

/** Makes an empty table. `title` says what is followed. It keeps no more of an operation than it shows. */
export function createLiveTable(title: string, flags: FilterFlags): LiveTable {
  const order = rowOrder(flags);
  const rows = new Map<string, PlacedRow>();
  const counts = new Map<string, number>();
  let state: State = () => "connecting";
  let live = false;
  let places = 0;
  let lastEndedAt: number | undefined;

  const count = (stage: string, by: number) => counts.set(stage, (counts.get(stage) ?? 0) + by);

  function remove(name: string): PlacedRow | undefined {
    const row = rows.get(name);
    if (row) count(row.stage, -1);
    rows.delete(name);
    return row;
  }

  function put({ change }: OperationChange, nowMs: number): void {
    // No summaries were asked for.
    if (change.case === undefined || change.case === "summary") return;
    if (change.case !== "operation") {
      remove(change.value);
      return;
    }
    const row = rowOf(change.value);
    const before = remove(row.name);
    // What ended without a run has no time of its end: it ended about now, or, among the first rows, like the one before.
    const unknownEnd = before?.endedAt ?? (live ? nowMs : (lastEndedAt ?? nowMs));
    const endedAt = row.exitCode === undefined ? undefined : (row.completedAt ?? unknownEnd);
    lastEndedAt = endedAt ?? lastEndedAt;
    rows.set(row.name, { ...row, endedAt, place: before?.place ?? places++ });
    count(row.stage, 1);
  }

  function reset(): void {
    rows.clear();
    counts.clear();
    live = false;
    lastEndedAt = undefined;
  }

  function summaryLine(): string {
    const stages = STAGES.flatMap((stage) => (counts.get(stage) ? [`${counts.get(stage)} ${stage}`] : []));
    const all = `${rows.size} operation${rows.size === 1 ? "" : "s"}`;
    return stages.length > 0 ? `${all}: ${stages.join(", ")}` : all;
  }

  return {
    take(event, nowMs) {
      if (event.kind === "lost") {
        const { error, pauseMs } = event;
        const reason = `${codeName(error.code)}: ${error.rawMessage.trim().split("\n", 1)[0]}`;
        const until = nowMs + pauseMs;
        state = (now) => `connection lost, next try in ${durationText(until - now)}: ${reason}`;
      } else if (event.kind === "retrying") state = () => "asked again, no news yet";
      else {
        const { response } = event;
        if (response.reset) reset();
        for (const change of response.changes) put(change, nowMs);
        live ||= response.live;
        state = live ? () => "live" : () => "reading what matches";
      }
    },
    draw(columns, height, nowMs) {
      const room = Math.max(0, height - HEAD_LINES);
      const first = firstRows(rows.values(), order, rows.size > room ? room - 1 : room);
      const hidden = rows.size - first.length;
      const shown = first.map((row) => cells(row, nowMs));
      return [
        summaryLine(),
        printable(`${title}: ${state(nowMs)}`),
        ...table(HEAD, shown, columns).trimEnd().split("\n"),
        ...(hidden > 0 ? [`and ${hidden} more`] : []),
      ];
    },
  };
}
