import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef } from "react";
import { useNow } from "../ui/use-now.ts";
import type { Column } from "./columns.tsx";
import type { Feed, FeedState } from "./feed.ts";
import type { Sort } from "./filter-text.ts";
import type { Row } from "./row.ts";

interface TableProps {
  readonly state: FeedState;
  readonly feed: Feed | undefined;
  readonly columns: readonly Column[];
  readonly sort: Sort | undefined;
  readonly onSort: (sort: Sort) => void;
  readonly onNarrow: (key: string, value: string) => void;
  /** The name of the row that keys are about. */
  readonly selected: string | undefined;
  readonly onSelect: (name: string) => void;
  readonly onOpen: (name: string) => void;
}

const ROW_HEIGHT = 28;

/** The operations of a feed. Only the rows in sight are made, and what is in sight stays there when others come above. */
export function OperationsTable(props: TableProps) {
  const { state, feed, columns, sort, onSort, onNarrow, selected, onSelect, onOpen } = props;
  const { rows } = state;
  const scroller = useRef<HTMLDivElement>(null);
  const now = useNow();
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    scrollMargin: ROW_HEIGHT,
    overscan: 12,
  });
  useAnchor(scroller, state, feed);
  useEffect(() => {
    const row = selected === undefined ? undefined : feed?.get(selected);
    if (row && feed) virtual.scrollToIndex(feed.indexOf(row), { align: "auto" });
  }, [selected, feed, virtual]);

  const items = virtual.getVirtualItems();
  const before = (items[0]?.start ?? ROW_HEIGHT) - ROW_HEIGHT;
  const after = virtual.getTotalSize() - ((items.at(-1)?.end ?? ROW_HEIGHT) - ROW_HEIGHT);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
    <section className="table-scroller" ref={scroller} tabIndex={0} aria-label="Operations">
      <table className="operations" aria-rowcount={rows.length + 1}>
        <Columns columns={columns} />
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((column) => (
              <Heading key={column.id} column={column} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          <Spacer height={before} columns={columns.length} />
          {items.map(({ index }) => {
            const row = rows[index] as Row;
            return (
              <TableRow
                key={row.name}
                {...{ row, index, columns, now, onNarrow, onOpen, onSelect }}
                selected={row.name === selected}
              />
            );
          })}
          <Spacer height={after} columns={columns.length} />
        </tbody>
      </table>
    </section>
  );
}

function Columns({ columns }: { readonly columns: readonly Column[] }) {
  return (
    <colgroup>
      {columns.map(({ id, width, priority }) => (
        <col key={id} className={`priority-${priority}`} style={{ width: `${width}ch` }} />
      ))}
    </colgroup>
  );
}

/** Stands for the rows that are not in sight. */
function Spacer({ height, columns }: { readonly height: number; readonly columns: number }) {
  if (height <= 0) return null;
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a row is focusable in grids only
    <tr aria-hidden="true" className="spacer">
      <td colSpan={columns} style={{ height }} />
    </tr>
  );
}

interface HeadingProps {
  readonly column: Column;
  readonly sort: Sort | undefined;
  readonly onSort: (sort: Sort) => void;
}

function Heading({ column: { title, sortKey, priority, numeric }, sort, onSort }: HeadingProps) {
  const className = `priority-${priority}${numeric ? " numeric" : ""}`;
  if (sortKey === undefined) return <th className={className}>{title}</th>;
  const isSorted = sort?.key === sortKey;
  const descending = isSorted && sort.descending;
  const direction = descending ? "descending" : "ascending";
  return (
    <th className={className} aria-sort={isSorted ? direction : "none"}>
      <button
        type="button"
        className="sort"
        onClick={() => onSort({ key: sortKey, descending: isSorted ? !descending : true })}
      >
        {title}
        <span aria-hidden="true">{isSorted ? (descending ? " ▾" : " ▴") : ""}</span>
      </button>
    </th>
  );
}

interface RowProps {
  readonly row: Row;
  readonly index: number;
  readonly columns: readonly Column[];
  readonly now: number;
  readonly selected: boolean;
  readonly onNarrow: (key: string, value: string) => void;
  readonly onSelect: (name: string) => void;
  readonly onOpen: (name: string) => void;
}

function TableRow({ row, index, columns, now, selected, onNarrow, onSelect, onOpen }: RowProps) {
  const context = { now, onNarrow };
  return (
    <tr
      aria-rowindex={index + 2}
      className={selected ? "selected" : undefined}
      aria-current={selected ? "true" : undefined}
      onClick={() => onSelect(row.name)}
      onDoubleClick={() => onOpen(row.name)}
    >
      {columns.map((column) => (
        <td key={column.id} className={`priority-${column.priority}${column.numeric ? " numeric" : ""}`}>
          {column.cell(row, context)}
        </td>
      ))}
    </tr>
  );
}

/** Keeps the first row in sight where it is while others come and go above it, unless the reader is at the top. */
function useAnchor(scroller: React.RefObject<HTMLDivElement | null>, state: FeedState, feed: Feed | undefined): void {
  const anchor = useRef<{ name: string; index: number }>(undefined);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const known = anchor.current;
    const row = known && feed?.get(known.name);
    if (known && row && feed && element.scrollTop > 0) {
      const moved = feed.indexOf(row) - known.index;
      if (moved !== 0) element.scrollTop += moved * ROW_HEIGHT;
    }
    const note = () => {
      const index = Math.floor(element.scrollTop / ROW_HEIGHT);
      const first = state.rows[index];
      anchor.current = first && { name: first.name, index };
    };
    note();
    element.addEventListener("scroll", note, { passive: true });
    return () => element.removeEventListener("scroll", note);
  }, [scroller, state, feed]);
}
