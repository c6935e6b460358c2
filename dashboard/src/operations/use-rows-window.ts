import { type RefObject, useEffect, useLayoutEffect, useReducer, useRef } from "react";
import { flushSync } from "react-dom";
import type { Feed } from "./feed.ts";
import type { Row } from "./row.ts";
import { type RowWindow, windowOf } from "./row-window.ts";

/** A row that the reader sees, and where: pixels from the begin of the rows. */
interface Anchor {
  readonly feed: Feed;
  readonly row: Row;
  readonly y: number;
}

const STILL_AFTER_MS = 150;

/**
 * The rows to be made of a scroller that shows many, and a function that brings one into sight. What the reader sees
 * stays where it is while rows come and go above, unless it is the top of the list. While the reader scrolls nothing is
 * done to the scroller, as that would stop a scroll in its course: rows are lifted instead until it is over.
 */
export function useRowsWindow(
  scroller: RefObject<HTMLElement | null>,
  { rows, feed, rowHeight }: { rows: readonly Row[]; feed: Feed | undefined; rowHeight: number },
): [made: RowWindow, reveal: (index: number) => void] {
  const [, render] = useReducer((count: number) => count + 1, 0);
  const anchor = useRef<Anchor>(undefined);
  const isScrolling = useRef(false);
  const settledAt = useRef<number>(undefined);
  const shown = useRef<{ rows: readonly Row[]; window: RowWindow; lift: number }>(undefined);

  const known = anchor.current?.feed === feed ? anchor.current : undefined;
  const lift = known && feed ? feed.indexOf(known.row) * rowHeight - known.y : 0;
  const element = scroller.current;
  const sight = { height: element?.clientHeight ?? 0, rowHeight, count: rows.length };
  const top = element?.scrollTop ?? 0;
  // Settled in the layout effect below: the scroller goes where the lift was.
  const settles = lift !== 0 && !isScrolling.current;
  const made = windowOf(settles ? { ...sight, top: Math.max(0, top + lift), lift: 0 } : { ...sight, top, lift });

  useLayoutEffect(() => {
    if (settles && scroller.current) {
      scroller.current.scrollTop = top + lift;
      settledAt.current = scroller.current.scrollTop;
      if (known) anchor.current = { ...known, y: known.y + lift };
    }
    shown.current = { rows: rows.slice(made.first, made.end), window: made, lift: settles ? 0 : lift };
  });

  useLayoutEffect(() => {
    // Another list begins at its top.
    anchor.current = undefined;
    if (feed && scroller.current) scroller.current.scrollTop = 0;
  }, [feed, scroller]);

  useEffect(() => {
    const element = scroller.current;
    if (!element || !feed) return;
    let stilling: ReturnType<typeof setTimeout> | undefined;
    const note = (top: number) => {
      const last = shown.current;
      if (!last) return;
      if (top <= 0) {
        anchor.current = undefined;
        return;
      }
      const index = Math.floor((top + last.lift) / rowHeight);
      const row = last.rows[index - last.window.first];
      if (row) anchor.current = { feed, row, y: index * rowHeight - last.lift };
    };
    const isOutOfSight = (top: number) => {
      const last = shown.current;
      if (!last) return true;
      const first = (top + last.lift) / rowHeight;
      const end = first + element.clientHeight / rowHeight;
      return first < last.window.first + 2 || end > last.window.end - 2;
    };
    const onStill = () => {
      isScrolling.current = false;
      render();
    };
    const onScroll = () => {
      const top = element.scrollTop;
      // What this has done itself is nobody's scrolling.
      if (top === settledAt.current) return;
      settledAt.current = undefined;
      isScrolling.current = true;
      clearTimeout(stilling);
      stilling = setTimeout(onStill, STILL_AFTER_MS);
      // At once, before it is drawn: what has come into sight must be there.
      if (isOutOfSight(top)) flushSync(render);
      note(top);
    };
    const sizes = new ResizeObserver(render);
    sizes.observe(element);
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      clearTimeout(stilling);
      isScrolling.current = false;
      sizes.disconnect();
      element.removeEventListener("scroll", onScroll);
    };
  }, [scroller, feed, rowHeight]);

  const reveal = (index: number) => {
    const element = scroller.current;
    if (!element) return;
    const y = index * rowHeight - (shown.current?.lift ?? 0);
    const head = element.querySelector("thead")?.offsetHeight ?? 0;
    const room = element.clientHeight - head - rowHeight;
    if (y < element.scrollTop) element.scrollTop = y;
    else if (y > element.scrollTop + room) element.scrollTop = y - room;
  };
  return [made, reveal];
}
