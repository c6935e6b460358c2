import type { ReactNode } from "react";
import { durationText } from "../format/time.ts";
import { BuildCell, type CellContext, InstanceCell, Narrow, OperationCell, StandingCell, TimeCell } from "./cells.tsx";
import { termText } from "./filter-text.ts";
import { idOf, instanceOf, type Row, ranMs, waitedMs } from "./row.ts";

/** A column of the table of operations. */
export interface Column {
  /** As in the address. */
  readonly id: string;
  readonly title: string;
  /** The key of `sort_order`; none where the server cannot sort by it. */
  readonly sortKey?: string;
  /** Width in `ch`. */
  readonly width: number;
  /** 1 is always shown, 3 only where there is much room; what the reader chose is shown in any case. */
  readonly priority: 1 | 2 | 3;
  readonly numeric?: boolean;
  /** Whether it takes what the others leave, which may be less than its width. */
  readonly stretches?: boolean;
  readonly hiddenByDefault?: boolean;
  cell(row: Row, context: CellContext): ReactNode;
}

type Look = Omit<Column, "id" | "title" | "cell" | "sortKey">;

/** A column that a click narrows the list by. */
function narrowing(id: string, title: string, read: (row: Row) => string, look: Look): Column {
  const cell = (row: Row, context: CellContext) => {
    const value = read(row);
    if (value === "") return null;
    return (
      <Narrow condition={termText(id, value)} context={context}>
        {value}
      </Narrow>
    );
  };
  return { id, title, sortKey: id, cell, ...look };
}

function moment(id: string, title: string, read: (row: Row) => number | undefined, look: Partial<Look>): Column {
  const cell = (row: Row, { now }: CellContext) => <TimeCell ms={read(row)} now={now} />;
  return { id, title, sortKey: id, cell, width: 11, priority: 3, ...look };
}

function span(
  id: string,
  title: string,
  read: (row: Row, now: number) => number | undefined,
  look: Partial<Look>,
): Column {
  const cell = (row: Row, { now }: CellContext) => {
    const ms = read(row, now);
    return ms === undefined ? null : durationText(ms);
  };
  return { id, title, sortKey: id, cell, width: 9, priority: 3, numeric: true, ...look };
}

const hidden = { priority: 3, hiddenByDefault: true } as const;

/** All columns, from left to right. */
export const columns: readonly Column[] = [
  {
    ...{ id: "stage", title: "Stage", sortKey: "stage", width: 15, priority: 1 },
    cell: (row, context) => <StandingCell row={row} context={context} />,
  },
  {
    ...{ id: "name", title: "Operation", sortKey: "name", width: 14, priority: 1 },
    cell: ({ name }, context) => (
      <OperationCell name={name} context={context}>
        {idOf(name).slice(-12)}
      </OperationCell>
    ),
  },
  {
    ...{ id: "instance", title: "Instance", width: 10, ...hidden },
    cell: ({ name }, context) => <InstanceCell instance={instanceOf(name)} context={context} />,
  },
  narrowing("target_id", "Target", (row) => row.target, { width: 19, priority: 2 }),
  narrowing("action_mnemonic", "Mnemonic", (row) => row.mnemonic, { width: 12, priority: 2 }),
  {
    ...{ id: "command", title: "Command", sortKey: "command", width: 40, priority: 1, stretches: true },
    cell: ({ command }) => (
      <code className="command" title={command}>
        {command}
      </code>
    ),
  },
  narrowing("tool_name", "Tool", (row) => row.tool, { width: 7, priority: 3 }),
  narrowing("worker", "Worker", (row) => row.worker, { width: 11, priority: 2 }),
  moment("queued_time", "Queued", (row) => row.queuedAt, { priority: 2 }),
  span("queue_duration", "Waited", waitedMs, {}),
  span("duration", "Ran", ranMs, { priority: 2 }),
  narrowing("exit_code", "Exit", ({ exitCode }) => (exitCode === undefined ? "" : String(exitCode)), {
    ...{ width: 7, priority: 3, numeric: true },
  }),
  {
    ...{ id: "cached", title: "Cached", sortKey: "cached", width: 8, priority: 3 },
    cell: ({ cached }, context) =>
      cached && (
        <Narrow condition="cached" context={context}>
          yes
        </Narrow>
      ),
  },
  narrowing("attempts", "Attempts", ({ attempts }) => (attempts > 0 ? String(attempts) : ""), {
    ...{ width: 10, priority: 3, numeric: true },
  }),
  narrowing("priority", "Priority", (row) => String(row.priority), { width: 10, numeric: true, ...hidden }),
  {
    ...{ id: "invocation_id", title: "Invocation", sortKey: "invocation_id", width: 16, ...hidden },
    cell: ({ invocation }, context) => <BuildCell id={invocation} kind="invocation" context={context} />,
  },
  {
    ...{ id: "correlated_invocations_id", title: "Build group", sortKey: "correlated_invocations_id", width: 16 },
    ...hidden,
    cell: ({ correlated }, context) => <BuildCell id={correlated} kind="correlated" context={context} />,
  },
  narrowing("tool_version", "Version", (row) => row.toolVersion, { width: 10, ...hidden }),
  narrowing("configuration_id", "Configuration", (row) => row.configuration, { width: 16, ...hidden }),
  narrowing("action_digest", "Action", (row) => row.action, { width: 18, ...hidden }),
  narrowing("client_actor", "Client", (row) => row.actor, { width: 12, ...hidden }),
  narrowing("client_subject", "Subject", (row) => row.subject, { width: 12, ...hidden }),
  narrowing("client_workflow", "Workflow", (row) => row.workflow, { width: 12, ...hidden }),
  moment("start_time", "Started", (row) => row.startedAt, hidden),
  moment("completed_time", "Ended", (row) => row.completedAt, hidden),
  moment("update_time", "Changed", (row) => row.updatedAt, hidden),
];

/** The columns that an address asks for, as `stage,name,worker`; the usual ones where it names none that there is. */
export function shownColumns(ids: string | undefined): readonly Column[] {
  const wanted = new Set(ids?.split(","));
  const chosen = columns.filter(({ id }) => wanted.has(id));
  return chosen.length > 0 ? chosen : columns.filter(({ hiddenByDefault }) => !hiddenByDefault);
}
