import { type BlobSource, readPart } from "./blob-source.ts";
import { createRowReader, type TextRow } from "./text-rows.ts";

/** How much of a text is there. A new object for each change; `rows` may be the same array, grown. */
export interface TextState {
  readonly rows: readonly TextRow[];
  /** Bytes that are shown. */
  readonly loaded: number;
  readonly loading: boolean;
  /** Whether more can be loaded. */
  readonly hasMore: boolean;
  /** Whether there is more than is ever shown at once. */
  readonly tooLong: boolean;
  readonly error: unknown;
}

/** A text that is loaded by pieces. */
export interface TextLoad {
  state(): TextState;
  subscribe(listener: () => void): () => void;
  /** Loads the next piece, each time a larger one. */
  more(): void;
  close(): void;
}

/** Bytes of the first piece. */
export const FIRST_PIECE = 256 * 1024;
const LARGEST_PIECE = 4 * 1024 * 1024;
/** What is taken in at once: a page that takes in megabytes of escape sequences stands still meanwhile. */
const SLICE = 256 * 1024;
/** What a page holds of a text, in bytes and in rows: a browser's scroll bar ends at some 30 million pixels. */
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_ROWS = 1_000_000;

/** Begins with the first piece, or shows the last one only. */
export function createTextLoad(source: BlobSource, from: "start" | "end"): TextLoad {
  const start = from === "start" ? 0 : Math.max(0, source.size - FIRST_PIECE);
  const reader = createRowReader({ numbered: start === 0 });
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const listeners = new Set<() => void>();
  const controller = new AbortController();
  let offset = start;
  let piece = FIRST_PIECE;
  let state: TextState = {
    ...{ rows: reader.rows, loaded: 0, loading: false, hasMore: source.size > start, tooLong: false, error: undefined },
  };
  const enter = (change: Partial<TextState>) => {
    state = { ...state, ...change };
    for (const listener of listeners) listener();
  };

  /** Takes in the next bytes; whether they were the last. */
  const loadSlice = async (limit: number): Promise<boolean> => {
    const bytes = await readPart(source, { offset, limit }, controller.signal);
    controller.signal.throwIfAborted();
    offset += bytes.byteLength;
    const isLast = offset >= source.size || bytes.byteLength === 0;
    reader.push(decoder.decode(bytes, { stream: !isLast }));
    if (isLast) reader.end();
    return isLast;
  };
  const load = async () => {
    const end = offset + piece;
    let isLast = false;
    while (offset < end && !isLast) isLast = await loadSlice(Math.min(SLICE, end - offset));
    piece = Math.min(LARGEST_PIECE, piece * 2);
    const tooLong = !isLast && (offset - start >= MOST_BYTES || reader.rows.length >= MOST_ROWS);
    enter({ loaded: offset - start, loading: false, hasMore: !isLast && !tooLong, tooLong });
  };
  const more = () => {
    if (state.loading || !state.hasMore) return;
    enter({ loading: true, error: undefined });
    load().catch((error: unknown) => {
      if (!controller.signal.aborted) enter({ loading: false, error });
    });
  };

  return {
    state: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    more,
    close: () => controller.abort(),
  };
}
