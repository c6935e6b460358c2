import { type KeyboardEvent, type MouseEvent, type ReactNode, useEffect, useMemo, useRef } from "react";
import { useNow } from "../ui/use-now.ts";
import type { CellContext } from "./cells.tsx";
import type { Column } from "./columns.tsx";
import type { Feed, FeedState } from "./feed.ts";
import type { Sort } from "./filter-text.ts";
import type { Row } from "./row.ts";
import { TableHead } from "./table-head.tsx";
import { TableRow } from "./table-row.tsx";
import { useNarrowPage } from "./use-narrow-page.ts";
import { useRowsWindow } from "./use-rows-window.ts";
import "./table.css";

interface TableProps {
  readonly state: FeedState;
  readonly feed: Feed | undefined;
  readonly columns: readonly Column[];
  /** Whether the reader has chosen the columns: then all are shown, however narrow. */
  readonly chosen: boolean;
  /** Whether the rows are about to be replaced by others. */
  readonly fades: boolean;
  readonly sort: Sort | undefined;
  readonly onSort: (sort: Sort) => void;
  readonly onNarrow: (condition: string) => void;
  /** The name of the row that keys are about. */
  readonly selected: string | undefined;
  readonly onSelect: (name: string) => void;
  readonly onOpen: (name: string) => void;
  /** Follows a link within the dashboard. */
  readonly onFollow: (path: string) => void;
  /** That the page shows. */
  readonly instance: string;
  /** Goes to another row: so many further. */
  readonly onStep: (by: number) => void;
  /** What is said where rows would be. */
  readonly children?: ReactNode;
}

/** The operations of a feed. Only the rows in sight are made, and what is in sight stays there when others come above. */
export function OperationsTable(props: TableProps) {
  const { state, feed, columns, chosen, fades, sort, onSort, selected, children } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const isNarrow = useNarrowPage() && !chosen;
  // As in table.css.
  const rowHeight = isNarrow ? 48 : 28;
  const [made, reveal] = useRowsWindow(scroller, { rows: state.rows, feed, rowHeight });
  useRevealed(scroller, { selected, feed, reveal });
  const [context, selectedContext] = useContexts(props.instance, props.onNarrow);
  const shown = isNarrow ? undefined : columns;
  const width = shown?.length ?? 1;
  const hasSelected = selected !== undefined && feed?.get(selected) !== undefined;
  return (
    <section
      className={`table-scroller${chosen ? " chosen" : ""}${fades ? " fades" : ""}`}
      aria-label="Operations"
      ref={scroller}
    >
      <table
        className="operations"
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: its rows are chosen and walked by keys
        role="grid"
        aria-label="Operations"
        aria-rowcount={state.rows.length + 1}
        onClick={(event) => onRowClick(event, props)}
        onDoubleClick={({ target }) => withName(target, props.onOpen)}
        onKeyDown={(event) => onRowKey(event, props)}
      >
        <TableHead columns={shown} chosen={chosen} sort={sort} onSort={onSort} />
        <tbody>
          <Spacer height={made.before} columns={width} />
          {state.rows.slice(made.first, made.end).map((row: Row, at) => (
            <TableRow
              key={row.name}
              {...{ row, columns: shown, index: made.first + at }}
              context={row.name === selected ? selectedContext : context}
              selected={row.name === selected}
              isTabStop={hasSelected ? row.name === selected : at === 0}
            />
          ))}
          <Spacer height={made.after} columns={width} />
        </tbody>
      </table>
      {children}
    </section>
  );
}

/** Stands for the rows that are not in sight. */
function Spacer({ height, columns }: { readonly height: number; readonly columns: number }) {
  if (height <= 0) return null;
  return (
    // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: it is room, not a row
    <tr role="presentation" className="spacer">
      <td role="presentation" colSpan={columns} style={{ height }} />
    </tr>
  );
}

/** What cells are told: those of the selected row, and the others. */
function useContexts(
  instance: string,
  onNarrow: (condition: string) => void,
): [others: CellContext, selected: CellContext] {
  const now = useNow();
  const latest = useRef(onNarrow);
  useEffect(() => {
    latest.current = onNarrow;
  });
  return useMemo(() => {
    const narrow = (condition: string) => latest.current(condition);
    return [
      { now, instance, onNarrow: narrow, tabIndex: -1 },
      { now, instance, onNarrow: narrow, tabIndex: 0 },
    ];
  }, [now, instance]);
}

interface Selection {
  readonly selected: string | undefined;
  readonly feed: Feed | undefined;
  readonly reveal: (index: number) => void;
}

/** Brings a row into sight, and the focus to it, when it is selected; not again when it moves. */
function useRevealed(scroller: React.RefObject<HTMLElement | null>, { selected, feed, reveal }: Selection): void {
  const latest = useRef(reveal);
  useEffect(() => {
    latest.current = reveal;
  });
  useEffect(() => {
    const row = selected === undefined ? undefined : feed?.get(selected);
    if (!row || !feed) return;
    latest.current(feed.indexOf(row));
    const frame = requestAnimationFrame(() => {
      const isElsewhere = document.activeElement?.closest("tr")?.dataset.name === selected;
      const element = scroller.current?.querySelector<HTMLElement>('tr[aria-selected="true"]');
      if (!isElsewhere) element?.focus({ preventScroll: true });
    });
    return () => cancelAnimationFrame(frame);
  }, [selected, feed, scroller]);
}

function withName(target: EventTarget, use: (name: string) => void): void {
  const name = target instanceof Element && target.closest<HTMLElement>("tr[data-name]")?.dataset.name;
  if (name) use(name);
}

function onRowClick(event: MouseEvent, { onSelect, onFollow }: TableProps): void {
  const { target } = event;
  const link = target instanceof Element && target.closest<HTMLAnchorElement>("a[data-within]");
  if (link) {
    // With a modifier the browser opens it elsewhere.
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    onFollow(link.getAttribute("href") ?? "/");
    return;
  }
  // A text that was marked in a row is wanted for itself.
  if (getSelection()?.type === "Range") return;
  withName(target, onSelect);
}

const PAGE = 20;
const STEPS: Readonly<Record<string, number>> = {
  ...{ ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE },
  ...{ Home: Number.NEGATIVE_INFINITY, End: Number.POSITIVE_INFINITY },
};

function onRowKey(event: KeyboardEvent, { selected, onStep, onOpen }: TableProps): void {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || !(target instanceof HTMLTableRowElement)) return;
  const by = STEPS[key];
  if (by !== undefined) onStep(by);
  // The focus comes to the selected row a moment later.
  else if (key === "Enter") withName(target, (name) => onOpen(selected ?? name));
  else return;
  event.preventDefault();
}
