import type { ReactNode } from "react";
import { agoText, dateText, durationText } from "../format/time.ts";
import { OperationLink } from "../ui/operation-link.tsx";
import { StandingBadge } from "../ui/stage.tsx";
import { idOf, instanceOf, type Row, ranMs, waitedMs } from "./row.ts";

/** What the cells of a table share. */
export interface CellContext {
  readonly now: number;
  /** Narrows the list: `key = value`. */
  readonly onNarrow: (key: string, value: string) => void;
}

/** A column of the table of operations. */
export interface Column {
  /** As in the address. */
  readonly id: string;
  readonly title: string;
  /** The key of `sort_order`; none where the server cannot sort by it. */
  readonly sortKey?: string;
  /** Width in `ch`; the widest takes what is left. */
  readonly width: number;
  /** 1 is always shown, 3 only where there is much room. */
  readonly priority: 1 | 2 | 3;
  readonly numeric?: boolean;
  readonly hiddenByDefault?: boolean;
  cell(row: Row, context: CellContext): ReactNode;
}

function Narrow({ title, value, onClick }: { title: string; value: string; onClick: () => void }) {
  if (value === "") return null;
  return (
    <button type="button" className="narrow" title={`Only ${title} ${value}`} onClick={onClick} tabIndex={-1}>
      {value}
    </button>
  );
}

/** A column of texts that a click narrows the list to. */
function narrowing(
  id: string,
  title: string,
  read: (row: Row) => string,
  more: Omit<Column, "id" | "title" | "cell" | "sortKey">,
): Column {
  const cell = (row: Row, { onNarrow }: CellContext) => (
    <Narrow title={title.toLowerCase()} value={read(row)} onClick={() => onNarrow(id, read(row))} />
  );
  return { id, title, sortKey: id, cell, ...more };
}

function time(ms: number | undefined, now: number): ReactNode {
  if (ms === undefined) return null;
  return (
    <time dateTime={new Date(ms).toISOString()} title={dateText(ms)}>
      {agoText(ms, now)}
    </time>
  );
}

const span = (ms: number | undefined) => (ms === undefined ? null : durationText(ms));

/** All columns, from left to right. */
export const columns: readonly Column[] = [
  {
    id: "stage",
    title: "Stage",
    sortKey: "stage",
    width: 14,
    priority: 1,
    cell: (row) => <StandingBadge {...row} />,
  },
  {
    id: "name",
    title: "Operation",
    sortKey: "name",
    width: 16,
    priority: 1,
    cell: ({ name }) => (
      <OperationLink name={name} tabIndex={-1}>
        {idOf(name).slice(-12)}
      </OperationLink>
    ),
  },
  {
    id: "instance",
    title: "Instance",
    width: 10,
    priority: 3,
    hiddenByDefault: true,
    cell: ({ name }) => instanceOf(name),
  },
  narrowing("target_id", "Target", (row) => row.target, { width: 24, priority: 2 }),
  narrowing("action_mnemonic", "Mnemonic", (row) => row.mnemonic, { width: 14, priority: 2 }),
  {
    id: "command",
    title: "Command",
    sortKey: "command",
    width: 40,
    priority: 1,
    cell: ({ command }) => (
      <code className="command" title={command}>
        {command}
      </code>
    ),
  },
  narrowing("tool_name", "Tool", (row) => row.tool, { width: 8, priority: 3 }),
  narrowing("worker", "Worker", (row) => row.worker, { width: 18, priority: 2 }),
  {
    id: "queued_time",
    title: "Queued",
    sortKey: "queued_time",
    width: 12,
    priority: 2,
    cell: ({ queuedAt }, { now }) => time(queuedAt, now),
  },
  {
    id: "queue_duration",
    title: "Waited",
    sortKey: "queue_duration",
    width: 10,
    priority: 3,
    numeric: true,
    cell: (row, { now }) => span(waitedMs(row, now)),
  },
  {
    id: "duration",
    title: "Ran",
    sortKey: "duration",
    width: 10,
    priority: 2,
    numeric: true,
    cell: (row, { now }) => span(ranMs(row, now)),
  },
  {
    id: "exit_code",
    title: "Exit",
    sortKey: "exit_code",
    width: 7,
    priority: 3,
    numeric: true,
    cell: ({ exitCode }) => exitCode ?? null,
  },
  {
    id: "cached",
    title: "Cached",
    sortKey: "cached",
    width: 9,
    priority: 3,
    cell: ({ cached }) => (cached ? "yes" : null),
  },
  {
    id: "attempts",
    title: "Attempts",
    sortKey: "attempts",
    width: 10,
    priority: 3,
    numeric: true,
    cell: ({ attempts }) => (attempts > 0 ? attempts : null),
  },
  {
    id: "priority",
    title: "Priority",
    sortKey: "priority",
    width: 9,
    priority: 3,
    numeric: true,
    hiddenByDefault: true,
    cell: ({ priority }) => priority,
  },
  narrowing("invocation_id", "Invocation", (row) => row.invocation, { width: 16, priority: 3, hiddenByDefault: true }),
  narrowing("client_actor", "Client", (row) => row.actor, { width: 12, priority: 3, hiddenByDefault: true }),
  {
    id: "completed_time",
    title: "Ended",
    sortKey: "completed_time",
    width: 12,
    priority: 3,
    hiddenByDefault: true,
    cell: ({ completedAt }, { now }) => time(completedAt, now),
  },
  {
    id: "start_time",
    title: "Started",
    sortKey: "start_time",
    width: 12,
    priority: 3,
    hiddenByDefault: true,
    cell: ({ startedAt }, { now }) => time(startedAt, now),
  },
];
