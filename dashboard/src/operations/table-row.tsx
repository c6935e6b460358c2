import { memo } from "react";
import { agoText, durationText } from "../format/time.ts";
import { StandingBadge } from "../ui/stage.tsx";
import { type CellContext, OperationCell } from "./cells.tsx";
import type { Column } from "./columns.tsx";
import { idOf, type Row, ranMs } from "./row.ts";

interface RowProps {
  readonly row: Row;
  /** Undefined for one cell with what matters most. */
  readonly columns: readonly Column[] | undefined;
  readonly context: CellContext;
}

interface TableRowProps extends RowProps {
  readonly index: number;
  readonly selected: boolean;
  readonly isTabStop: boolean;
}

/** A row of the table; its name is in `data-name`. */
export function TableRow({ row, index, columns, context, selected, isTabStop }: TableRowProps) {
  return (
    <tr
      data-name={row.name}
      aria-rowindex={index + 2}
      aria-selected={selected}
      className={index % 2 === 1 ? "odd" : undefined}
      tabIndex={isTabStop ? 0 : -1}
    >
      <Cells row={row} columns={columns} context={context} />
    </tr>
  );
}

/** Rows move far more often than they change. */
const Cells = memo(({ row, columns, context }: RowProps) => {
  if (!columns) return <BriefCell row={row} context={context} />;
  return columns.map((column) => (
    <td key={column.id} className={`priority-${column.priority}${column.numeric ? " numeric" : ""}`}>
      {column.cell(row, context)}
    </td>
  ));
});

/** What matters most of an operation, on two lines; all of it leads to the operation. */
function BriefCell({ row, context }: { readonly row: Row; readonly context: CellContext }) {
  const { now } = context;
  const ran = ranMs(row, now);
  return (
    <td className="brief">
      <OperationCell name={row.name} context={context}>
        <span className="brief-line">
          <StandingBadge {...row} />
          <span className="brief-what">{row.target || row.mnemonic || idOf(row.name).slice(-12)}</span>
          <span className="dim">{ran === undefined ? agoText(row.queuedAt ?? now, now) : durationText(ran)}</span>
        </span>
        <code className="command">{row.command}</code>
      </OperationCell>
    </td>
  );
}
