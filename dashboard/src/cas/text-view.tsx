import { useVirtualizer } from "@tanstack/react-virtual";
import { type CSSProperties, memo, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { bytesText } from "../format/bytes.ts";
import { BlobProblem } from "./blob-problem.tsx";
import type { BlobSource } from "./blob-source.ts";
import "./blobs.css";
import type { Colour, Style } from "./sgr.ts";
import { createTextLoad, FIRST_PIECE, type TextLoad, type TextState } from "./text-load.ts";
import type { TextRow } from "./text-rows.ts";

const ROW_HEIGHT = 18;

const EMPTY: TextState = {
  ...{ rows: [], loaded: 0, loading: true, hasMore: false, tooLong: false, error: undefined },
};
const never = () => () => {};

function useTextLoad(source: BlobSource, from: "start" | "end"): [TextState, TextLoad | undefined] {
  const [load, setLoad] = useState<TextLoad>();
  useEffect(() => {
    const made = createTextLoad(source, from);
    made.more();
    setLoad(made);
    return () => made.close();
  }, [source, from]);
  return [useSyncExternalStore(load?.subscribe ?? never, load?.state ?? (() => EMPTY)), load];
}

/** A text of any length, piece by piece, with line numbers and colours. `what` names it for screen readers. */
export function TextView({ source, what }: { readonly source: BlobSource; readonly what: string }) {
  const [from, setFrom] = useState<"start" | "end">("start");
  const [state, load] = useTextLoad(source, from);
  if (state.error !== undefined && state.rows.length === 0) {
    return <BlobProblem error={state.error} onRetry={() => load?.more()} />;
  }
  const isLarge = source.size > FIRST_PIECE;
  return (
    <div className="text-view">
      <Rows rows={state.rows} count={state.rows.length} what={what} />
      {isLarge && (
        <div className="text-more">
          <span role="status">
            {from === "start" ? "The first" : "The last"} {bytesText(state.loaded)} of {bytesText(source.size)}
            {state.loading && ", loading …"}
          </span>
          {state.hasMore && (
            <button type="button" onClick={() => load?.more()} disabled={state.loading}>
              Show more
            </button>
          )}
          <button type="button" onClick={() => setFrom(from === "start" ? "end" : "start")}>
            {from === "start" ? "Show the end" : "Show the beginning"}
          </button>
          {state.tooLong && <span>A page shows no more than this at once: download it to see the rest.</span>}
        </div>
      )}
      {state.error !== undefined && <BlobProblem error={state.error} onRetry={() => load?.more()} />}
    </div>
  );
}

interface RowsProps {
  readonly rows: readonly TextRow[];
  /** The rows grow in place. */
  readonly count: number;
  readonly what: string;
}

/** Rows of a text; only those in sight are made. */
export function Rows({ rows, count, what }: RowsProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 20,
  });
  const lastLine = useMemo(() => count > 0 && rows.slice(-1)[0]?.line, [rows, count]);
  const digits = String(lastLine || count).length;
  const items = virtual.getVirtualItems();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
    <section className="text-rows" ref={scroller} tabIndex={0} aria-label={`Content of ${what}`}>
      <div className="text-room" style={{ height: virtual.getTotalSize() }}>
        <div className="text-shown" style={{ transform: `translateY(${items[0]?.start ?? 0}px)` }}>
          {items.map(({ index }) => (
            <Line key={index} row={rows[index] as TextRow} digits={digits} />
          ))}
        </div>
      </div>
    </section>
  );
}

const Line = memo(function Line({ row, digits }: { readonly row: TextRow; readonly digits: number }) {
  return (
    <div className="text-line">
      <span
        className="line-number"
        style={{ width: `${digits + 2}ch` }}
        data-line={row.line || "↪"}
        aria-hidden="true"
      />
      <code>{row.runs ? <Styled row={row} /> : row.text}</code>
    </div>
  );
});

function Styled({ row: { text, runs = [] } }: { readonly row: TextRow }) {
  const first = runs[0]?.from ?? 0;
  return (
    <>
      {text.slice(0, first)}
      {runs.map(({ from, style }, index) => (
        <span key={from} {...looks(style)}>
          {text.slice(from, runs[index + 1]?.from)}
        </span>
      ))}
    </>
  );
}

function colourOf(colour: Colour | undefined, usual: string): string {
  if (colour === undefined) return usual;
  return typeof colour === "number" ? `var(--ansi-${colour})` : colour;
}

function looks({ foreground, background, inverse, ...rest }: Style): { className: string; style: CSSProperties } {
  const [front, back] = inverse ? [background, foreground] : [foreground, background];
  const names = (["bold", "dim", "italic", "underline", "strike"] as const).filter((name) => rest[name]);
  return {
    className: names.map((name) => `ansi-${name}`).join(" "),
    style: {
      ...((front !== undefined || inverse) && { color: colourOf(front, "var(--bg)") }),
      ...((back !== undefined || inverse) && { backgroundColor: colourOf(back, "var(--text)") }),
    },
  };
}
