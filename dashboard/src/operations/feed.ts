import { Code, ConnectError } from "@connectrpc/connect";
import type { OperationSummary, WatchOperationsResponse } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { OperationView } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { createRows, type Row } from "./row.ts";
import { placeOf, type RowOrder, rowOrder } from "./row-order.ts";

/** How a feed is doing. */
export type FeedPhase =
  /** What matches is being sent. */
  | "loading"
  /** What is shown is how things are. */
  | "live"
  /** The reader wants it to stand still. */
  | "paused"
  /** The connection is lost; it is made again at `retryAt`. */
  | "disconnected"
  /** The server refuses, and would refuse again. */
  | "refused";

/** What a feed shows at a moment. A new object for each change; `rows` may be the same array, changed. */
export interface FeedState {
  readonly phase: FeedPhase;
  /** In order. */
  readonly rows: readonly Row[];
  /** Whether more matched than are kept. */
  readonly truncated: boolean;
  /** How many changes have been taken in, rows at the beginning included. */
  readonly changes: number;
  readonly error: unknown;
  /** When the next attempt is made, in milliseconds since the epoch. */
  readonly retryAt: number | undefined;
}

/** The operations that match a filter, kept as they are now. */
export interface Feed {
  state(): FeedState;
  subscribe(listener: () => void): () => void;
  /** Stops taking in changes; what happens meanwhile is not missed. */
  pause(): void;
  resume(): void;
  /** Tries again now. */
  retry(): void;
  /** The row of a name, as it is now. */
  get(name: string): Row | undefined;
  /** Where a row is among the rows. */
  indexOf(row: Row): number;
  close(): void;
}

/** What a feed needs of the server. */
export type Watch = (
  request: { instanceName: string; filter: string; resumeToken: string; view: OperationView; limit: number },
  options: { signal: AbortSignal },
) => AsyncIterable<WatchOperationsResponse>;

export interface FeedOptions {
  readonly watch: Watch;
  readonly instance: string;
  /** As the server understands it. */
  readonly filter: string;
  /** How many rows are kept at most; default 100,000. */
  readonly limit?: number;
}

/** Listeners hear of changes this often at most. */
const TELL_EVERY_MS = 100;
/** A hidden page gives its connection back after this time: browsers have six for a server, all tabs together. */
const HIDDEN_AFTER_MS = 5000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;

const HOPELESS = new Set<Code>([
  Code.InvalidArgument,
  Code.PermissionDenied,
  Code.Unauthenticated,
  Code.Unimplemented,
  Code.NotFound,
]);

/**
 * Follows operations. A connection that breaks is made again, later each time up to 15 s, and resumes with the last token,
 * so that nothing is missed. While the page is hidden there is none.
 */
export function createFeed({ watch, instance, filter, limit = 100_000 }: FeedOptions): Feed {
  const order = rowOrder(filter);
  const table = createTable(order, limit);
  const listeners = new Set<() => void>();
  let state: FeedState = { ...table.view(), phase: "loading", error: undefined, retryAt: undefined };
  let telling: ReturnType<typeof setTimeout> | undefined;
  let retrying: ReturnType<typeof setTimeout> | undefined;
  let hiding: ReturnType<typeof setTimeout> | undefined;
  let connection: AbortController | undefined;
  let resumeToken = "";
  let live = false;
  let failures = 0;
  let paused = false;
  let closed = false;

  const tell = () => {
    clearTimeout(telling);
    telling = undefined;
    state = { ...state, ...table.view() };
    for (const listener of listeners) listener();
  };
  const tellSoon = () => {
    telling ??= setTimeout(tell, TELL_EVERY_MS);
  };
  const enter = (phase: FeedPhase, more: Partial<FeedState> = {}) => {
    state = { ...state, error: undefined, retryAt: undefined, ...more, phase };
    tell();
  };

  const take = (news: WatchOperationsResponse) => {
    failures = 0;
    if (news.reset) {
      table.clear();
      live = false;
    }
    table.apply(news);
    resumeToken = news.resumeToken || resumeToken;
    live ||= news.live;
    const phase = live ? "live" : "loading";
    if (state.phase !== phase) enter(phase);
    else if (news.changes.length > 0) tellSoon();
  };

  const fail = (thrown: unknown) => {
    const { code } = ConnectError.from(thrown);
    if (code === Code.InvalidArgument && resumeToken !== "") {
      // Perhaps it is the token that is refused: begin anew, once.
      resumeToken = "";
      return connect();
    }
    if (HOPELESS.has(code)) return enter("refused", { error: thrown });
    const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures) * (0.75 + Math.random() / 2);
    failures += 1;
    retrying = setTimeout(connect, wait);
    enter("disconnected", { error: thrown, retryAt: Date.now() + wait });
  };

  const follow = async (signal: AbortSignal) => {
    try {
      const request = { instanceName: instance, filter, resumeToken, view: OperationView.SUMMARY, limit };
      for await (const news of watch(request, { signal })) {
        if (signal.aborted) return;
        take(news);
      }
      if (!signal.aborted) fail(new ConnectError("the server ended the stream", Code.Unavailable));
    } catch (thrown) {
      if (!signal.aborted) fail(thrown);
    }
  };
  const disconnect = () => {
    clearTimeout(retrying);
    connection?.abort();
    connection = undefined;
  };
  const connect = () => {
    disconnect();
    if (closed || paused) return;
    connection = new AbortController();
    void follow(connection.signal);
  };

  const onVisibility = () => {
    clearTimeout(hiding);
    if (document.visibilityState === "hidden") hiding = setTimeout(disconnect, HIDDEN_AFTER_MS);
    else if (connection === undefined && state.phase !== "refused") connect();
  };
  document.addEventListener("visibilitychange", onVisibility);
  connect();

  return {
    state: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    pause: () => {
      paused = true;
      disconnect();
      enter("paused");
    },
    resume: () => {
      paused = false;
      enter(live ? "live" : "loading");
      connect();
    },
    retry: () => {
      failures = 0;
      connect();
    },
    get: table.get,
    indexOf: table.indexOf,
    close: () => {
      closed = true;
      disconnect();
      clearTimeout(telling);
      clearTimeout(hiding);
      document.removeEventListener("visibilitychange", onVisibility);
    },
  };
}

/** The rows, by name and in order. */
function createTable(order: RowOrder, limit: number) {
  const toRow = createRows();
  const byName = new Map<string, Row>();
  let rows: Row[] = [];
  let truncated = false;
  let changes = 0;

  const remove = (name: string) => {
    const row = byName.get(name);
    if (!row) return;
    byName.delete(name);
    rows.splice(placeOf(rows, row, order), 1);
  };
  const put = (summary: OperationSummary) => {
    const row = toRow(summary);
    const before = byName.get(row.name);
    if (before && order(before, row) === 0) {
      rows[placeOf(rows, before, order)] = row;
      byName.set(row.name, row);
      return;
    }
    if (before) remove(row.name);
    // Beyond the last row lie others that were never sent.
    const last = rows.at(-1);
    if (truncated && last && order(last, row) < 0) return;
    rows.splice(placeOf(rows, row, order), 0, row);
    byName.set(row.name, row);
    if (rows.length <= limit) return;
    const dropped = rows.pop();
    if (dropped) byName.delete(dropped.name);
    truncated = true;
  };

  return {
    view: () => ({ rows, truncated, changes }),
    get: (name: string) => byName.get(name),
    indexOf: (row: Row) => placeOf(rows, row, order),
    clear: () => {
      byName.clear();
      rows = [];
      truncated = false;
    },
    apply: (news: WatchOperationsResponse) => {
      changes += news.changes.length;
      for (const { change } of news.changes) {
        if (change.case === "summary") put(change.value);
        else if (change.case === "left" || change.case === "deleted") remove(change.value);
      }
      // What comes with it is among the first ones still.
      truncated ||= news.truncated;
    },
  };
}
