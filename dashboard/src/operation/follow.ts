import { Code, ConnectError } from "@connectrpc/connect";
import type { RequestMetadata } from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { ClientIdentity } from "../../../gen/build/buildgrid/identity_pb.ts";
import type { Operation } from "../../../gen/google/longrunning/operations_pb.ts";
import type { WatchOperationsResponse } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { HIDDEN_AFTER_MS, HOPELESS, LONGEST_SILENCE_MS, retryDelayMs } from "../api/watching.ts";
import { filterValue } from "../operations/filter-text.ts";
import { idOf, instanceOf } from "../operations/row.ts";

/** Who asked for an operation. */
export interface Who {
  readonly metadata: RequestMetadata | undefined;
  readonly identity: ClientIdentity | undefined;
}

/** How the page and the server are doing. */
export type FollowPhase =
  | "loading"
  /** What is shown is how things are. */
  | "live"
  /** Nothing changes any more, but that it may be deleted. */
  | "ended"
  /** The connection is lost; it is made again at `retryAt`. */
  | "disconnected"
  /** The server refuses, and would refuse again. */
  | "refused"
  /** It is not there, or no longer. */
  | "gone";

/** An operation at a moment. A new object for each change. */
export interface FollowState {
  readonly phase: FollowPhase;
  /** As it was last; also when it is gone. */
  readonly operation: Operation | undefined;
  /** Undefined unless the server told, which it does once the operation has ended. */
  readonly who: Who | undefined;
  readonly error: unknown;
  readonly retryAt: number | undefined;
}

/** Follows one operation. */
export interface Follow {
  state(): FollowState;
  subscribe(listener: () => void): () => void;
  /** Asks again now. */
  retry(): void;
  close(): void;
}

/** What is needed of the server. */
export interface FollowDeps {
  watch(
    request: { instanceName: string; filter: string; resumeToken: string },
    options: { signal: AbortSignal },
  ): AsyncIterable<WatchOperationsResponse>;
  get(name: string, signal: AbortSignal): Promise<{ readonly operation: Operation; readonly who: Who }>;
  /** Whether nobody sees the page, and when that changes. */
  readonly page: { isHidden(): boolean; subscribe(listener: () => void): () => void };
}

const ENDED_EVERY_MS = 15_000;
const POLL_EVERY_MS = 1000;
const LAST_RETRY_MS = 5000;

/** What news say of an operation: how it is now, and whether it was deleted after that. */
function newsOf(name: string, { changes }: WatchOperationsResponse) {
  const last = changes.findLast(
    ({ change }) => change.case === "operation" || (change.case === "deleted" && idOf(change.value) === idOf(name)),
  );
  const latest = changes.findLast(({ change }) => change.case === "operation")?.change;
  return {
    operation: latest?.case === "operation" ? latest.value : undefined,
    isDeleted: last?.change.case === "deleted",
  };
}

/**
 * Follows an operation by a watch, which unlike GetOperation is no poll to the server: that somebody looks at it must not
 * keep alive what its client gave up. Once it has ended, and where the instance has no FarmService, GetOperation is asked
 * now and then. A connection that breaks is made again; while the page is hidden there is none.
 */
export function createFollow(deps: FollowDeps, name: string): Follow {
  const listeners = new Set<() => void>();
  let state: FollowState = {
    ...{ phase: "loading", operation: undefined, who: undefined },
    error: undefined,
    retryAt: undefined,
  };
  let connection: AbortController | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let hiding: ReturnType<typeof setTimeout> | undefined;
  let resumeToken = "";
  let canWatch = true;
  /** Whether the watch has told of it; when it has told all and not of this, it is gone. */
  let isTold = false;
  let failures = 0;
  let closed = false;

  const enter = (phase: FollowPhase, more: Partial<FollowState> = {}) => {
    state = { ...state, error: undefined, retryAt: undefined, ...more, phase };
    for (const listener of listeners) listener();
  };
  const gone = (operation = state.operation) => {
    isTold = false;
    resumeToken = "";
    enter("gone", { operation, error: new ConnectError(`no such operation: ${name}`, Code.NotFound) });
  };
  const connectIn = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(connect, ms);
  };

  const poll = async (signal: AbortSignal) => {
    const { operation, who } = await deps.get(name, signal);
    if (signal.aborted) return;
    failures = 0;
    enter(operation.done ? "ended" : "live", { operation, who });
    connectIn(operation.done ? ENDED_EVERY_MS : POLL_EVERY_MS);
  };

  /** Takes news; true when there will be no more that matter. */
  const take = (news: WatchOperationsResponse): boolean => {
    failures = 0;
    resumeToken = news.resumeToken || resumeToken;
    const { operation, isDeleted } = newsOf(name, news);
    if (news.reset) isTold = false;
    isTold ||= operation !== undefined;
    if (isDeleted || (news.live && !isTold)) {
      gone(operation);
      return true;
    }
    if (operation || (state.operation && state.phase !== "live")) enter("live", operation && { operation });
    return state.operation?.done === true;
  };
  const watch = async (signal: AbortSignal) => {
    const request = { instanceName: instanceOf(name), filter: `name = ${filterValue(idOf(name))}`, resumeToken };
    connectIn(LONGEST_SILENCE_MS);
    for await (const news of deps.watch(request, { signal })) {
      if (signal.aborted) return;
      connectIn(LONGEST_SILENCE_MS);
      if (take(news)) return state.phase === "gone" ? disconnect() : connect();
    }
    if (!signal.aborted) throw new ConnectError("the server ended the stream", Code.Unavailable);
  };

  const fail = (thrown: unknown) => {
    const { code } = ConnectError.from(thrown);
    if (code === Code.NotFound) return gone();
    if (canWatch && code === Code.Unimplemented) {
      canWatch = false;
      return connect();
    }
    if (code === Code.InvalidArgument && resumeToken !== "") {
      resumeToken = "";
      return connect();
    }
    if (HOPELESS.has(code)) return enter("refused", { error: thrown });
    const wait = retryDelayMs(failures, LAST_RETRY_MS, Math.random());
    failures += 1;
    connectIn(wait);
    enter("disconnected", { error: thrown, retryAt: Date.now() + wait });
  };

  const disconnect = () => {
    clearTimeout(timer);
    connection?.abort();
    connection = undefined;
  };
  const connect = () => {
    disconnect();
    if (closed) return;
    connection = new AbortController();
    const { signal } = connection;
    const asked = canWatch && !state.operation?.done ? watch(signal) : poll(signal);
    asked.catch((thrown: unknown) => {
      if (!signal.aborted) fail(thrown);
    });
  };
  const onVisibility = () => {
    clearTimeout(hiding);
    if (deps.page.isHidden()) hiding = setTimeout(disconnect, HIDDEN_AFTER_MS);
    else if (connection === undefined && state.phase !== "refused" && state.phase !== "gone") connect();
  };
  const unsubscribe = deps.page.subscribe(onVisibility);
  connect();
  onVisibility();

  return {
    state: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    retry: () => {
      failures = 0;
      connect();
    },
    close: () => {
      closed = true;
      disconnect();
      clearTimeout(hiding);
      unsubscribe();
    },
  };
}
