import { Code, ConnectError } from "@connectrpc/connect";
import type { WatchOperationsResponse } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { OperationView } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { HIDDEN_AFTER_MS, HOPELESS, LONGEST_SILENCE_MS, retryDelayMs } from "../api/watching.ts";
import type { FeedPage, Timer } from "./feed-page.ts";
import type { Row } from "./row.ts";
import { rowOrder } from "./row-order.ts";
import { createSortedRows } from "./rows.ts";

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
  /** When the next attempt is made, in milliseconds since the epoch; undefined while one is being made. */
  readonly retryAt: number | undefined;
}

/** The operations that match a filter, kept as they are now. */
export interface Feed {
  state(): FeedState;
  subscribe(listener: () => void): () => void;
  /** Stops taking in changes; what happens meanwhile is not missed. A feed that is refused stays so. */
  pause(): void;
  resume(): void;
  /** Tries again now. */
  retry(): void;
  /** The row of a name, as it is now. */
  get(name: string): Row | undefined;
  /** How many rows come before one: where it is, or where it was if it is gone or has moved. */
  indexOf(row: Row): number;
  close(): void;
}

/** What a feed needs of the server. */
export type Watch = (
  request: { instanceName: string; filter: string; resumeToken: string; view: OperationView; limit: number },
  options: { signal: AbortSignal },
) => AsyncIterable<WatchOperationsResponse>;

/** What a feed is of, and what it is made with. */
export interface FeedOptions {
  readonly watch: Watch;
  readonly page: FeedPage;
  readonly instance: string;
  /** As the server understands it. */
  readonly filter: string;
  /** How many rows are kept at most; default 100,000. */
  readonly limit?: number;
}

/** Listeners hear of changes this often at most. */
const TELL_EVERY_MS = 100;
const LAST_RETRY_MS = 15_000;
/** News that have come already are taken in for so long before the page gets its turn. */
const TURN_MS = 8;

/**
 * Follows operations. A connection that breaks is made again, later each time up to 15 s, and resumes with the last token,
 * so that nothing is missed. While the page is hidden there is none.
 */
export function createFeed({ watch, page, instance, filter, limit = 100_000 }: FeedOptions): Feed {
  const rows = createSortedRows(rowOrder(filter), limit);
  const listeners = new Set<() => void>();
  let changes = 0;
  let telling: Timer | undefined;
  let retrying: Timer | undefined;
  let hiding: Timer | undefined;
  let listening: Timer | undefined;
  let heardAt = 0;
  let connection: AbortController | undefined;
  let resumeToken = "";
  let live = false;
  let failures = 0;
  let paused = false;
  let closed = false;

  const view = () => ({ rows: rows.all(), truncated: rows.truncated(), changes });
  let state: FeedState = { ...view(), phase: "loading", error: undefined, retryAt: undefined };
  const tell = () => {
    telling?.cancel();
    telling = undefined;
    state = { ...state, ...view() };
    for (const listener of listeners) listener();
  };
  const tellSoon = () => {
    telling ??= page.after(TELL_EVERY_MS, tell);
  };
  const enter = (phase: FeedPhase, more: Partial<FeedState> = {}) => {
    state = { ...state, error: undefined, retryAt: undefined, ...more, phase };
    tell();
  };

  const take = (news: WatchOperationsResponse) => {
    failures = 0;
    heardAt = page.now();
    if (news.reset) {
      rows.clear();
      live = false;
    }
    rows.apply(news);
    changes += news.changes.length;
    resumeToken = news.resumeToken || resumeToken;
    live ||= news.live;
    const phase = live ? "live" : "loading";
    if (state.phase !== phase) enter(phase);
    // The first rows are waited for.
    else if (news.reset) tell();
    else if (news.changes.length > 0) tellSoon();
  };

  const fail = (thrown: unknown) => {
    disconnect();
    const { code } = ConnectError.from(thrown);
    if (code === Code.InvalidArgument && resumeToken !== "") {
      // Perhaps it is the token that is refused: begin anew, once.
      resumeToken = "";
      return connect();
    }
    if (HOPELESS.has(code)) return enter("refused", { error: thrown });
    const wait = retryDelayMs(failures, LAST_RETRY_MS, page.random());
    failures += 1;
    retrying = page.after(wait, () => {
      enter("disconnected", { error: thrown });
      connect();
    });
    enter("disconnected", { error: thrown, retryAt: page.now() + wait });
  };

  const follow = async (signal: AbortSignal) => {
    try {
      const request = { instanceName: instance, filter, resumeToken, view: OperationView.SUMMARY, limit };
      let turnEnds = page.now() + TURN_MS;
      for await (const news of watch(request, { signal })) {
        if (signal.aborted) return;
        take(news);
        if (page.now() < turnEnds) continue;
        await page.turn();
        if (signal.aborted) return;
        turnEnds = page.now() + TURN_MS;
      }
      if (!signal.aborted) fail(new ConnectError("the server ended the stream", Code.Unavailable));
    } catch (thrown) {
      if (!signal.aborted) fail(thrown);
    }
  };
  const disconnect = () => {
    retrying?.cancel();
    listening?.cancel();
    connection?.abort();
    connection = undefined;
  };
  const listen = () => {
    const left = heardAt + LONGEST_SILENCE_MS - page.now();
    if (left <= 0) connect();
    else listening = page.after(left, listen);
  };
  const connect = () => {
    disconnect();
    if (closed || paused) return;
    connection = new AbortController();
    heardAt = page.now();
    listen();
    void follow(connection.signal);
  };
  const reconnect = () => {
    failures = 0;
    if (state.phase === "refused") enter("loading");
    connect();
  };

  const onPage = () => {
    hiding?.cancel();
    if (page.isHidden()) hiding = page.after(HIDDEN_AFTER_MS, disconnect);
    else if (connection === undefined && state.phase !== "refused") reconnect();
  };
  const leavePage = page.subscribe(onPage);
  connect();
  onPage();

  return {
    state: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    pause: () => {
      if (state.phase === "refused") return;
      paused = true;
      disconnect();
      enter("paused");
    },
    resume: () => {
      paused = false;
      enter(live ? "live" : "loading");
      reconnect();
    },
    retry: reconnect,
    get: rows.get,
    indexOf: rows.placeOf,
    close: () => {
      closed = true;
      disconnect();
      telling?.cancel();
      hiding?.cancel();
      leavePage();
    },
  };
}
