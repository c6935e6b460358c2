import { useVirtualizer } from "@tanstack/react-virtual";
import { useLayoutEffect, useRef, useState } from "react";
import type { Worker } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import type { Row } from "../operations/row.ts";
import { useNow } from "../ui/use-now.ts";
import { WorkerRow } from "./worker-row.tsx";

interface WorkersTableProps {
  readonly instance: string;
  /** In order. */
  readonly workers: readonly Worker[];
  /** What is known of an operation that runs. */
  readonly running: (name: string) => Row | undefined;
}

const COLUMNS = 5;
const USUAL_HEIGHT = 49;

/** Workers, of which only the rows in sight are made; the page around it scrolls. */
export function WorkersTable({ instance, workers, running }: WorkersTableProps) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [top, setTop] = useState(0);
  const now = useNow();
  // What stands above grows and shrinks with the queue.
  useLayoutEffect(() => {
    const scroller = body.current?.closest("main");
    if (!body.current || !scroller) return;
    const { top: bodyTop } = body.current.getBoundingClientRect();
    setTop(Math.round(bodyTop - scroller.getBoundingClientRect().top + scroller.scrollTop));
  });
  const virtual = useVirtualizer({
    count: workers.length,
    getScrollElement: () => body.current?.closest("main") ?? null,
    getItemKey: (index) => workers[index]?.sessionName ?? index,
    estimateSize: () => USUAL_HEIGHT,
    scrollMargin: top,
    overscan: 8,
  });
  const items = virtual.getVirtualItems();
  const before = (items[0]?.start ?? top) - top;
  const after = virtual.getTotalSize() - ((items.at(-1)?.end ?? top) - top);
  return (
    <table className="farm-table workers" aria-rowcount={workers.length + 1}>
      <thead>
        <tr aria-rowindex={1}>
          <th>Worker</th>
          <th>Status</th>
          <th>Runs now</th>
          <th>Properties</th>
          <th>Last seen</th>
        </tr>
      </thead>
      <tbody ref={body}>
        <Spacer height={before} />
        {items.map(({ index, key }) => (
          <WorkerRow
            key={key}
            rowRef={virtual.measureElement}
            {...{ instance, index, now, running }}
            worker={workers[index] as Worker}
          />
        ))}
        <Spacer height={after} />
      </tbody>
    </table>
  );
}

/** Stands for the rows that are not in sight. */
function Spacer({ height }: { readonly height: number }) {
  if (height <= 0) return null;
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a row is focusable in grids only
    <tr aria-hidden="true" className="spacer">
      <td colSpan={COLUMNS} style={{ height }} />
    </tr>
  );
}
