import type { Clock } from "../base/clock.ts";
import {
  buildQuery,
  decodeWatchToken,
  encodeWatchToken,
  type Filter,
  type FilteredQuery,
  filterAt,
  isRelative,
  matches,
  mayHaveMatched,
  type OperationQuery,
  type OperationRecord,
  operationSize,
  resolveFilter,
  type WatchPlace,
} from "../operations/operations.ts";
import type { ChangeFeed, ChangePage, OperationChange, OperationKey } from "../scheduler/scheduler.ts";

/** What a client asks to follow; "" for the default filter, and for no token. */
export interface WatchRequest {
  readonly filter: string;
  readonly resumeToken: string;
  /** Leaves out what matches already. */
  readonly changesOnly: boolean;
  readonly signal: AbortSignal;
}

/** An operation that matches, or one that is no longer of interest. */
export type WatchedChange =
  | { readonly kind: "matches"; readonly operation: OperationRecord }
  | { readonly kind: "left" | "deleted"; readonly key: OperationKey };

/** One message of a watch. Those who watch the same get the same array of changes. */
export interface WatchedBatch {
  /** What was said before is void. */
  readonly reset: boolean;
  readonly changes: readonly WatchedChange[];
  /** All that matched at the beginning has been sent. */
  readonly live: boolean;
  readonly resumeToken: string;
}

/** Where a watch looks. */
export interface WatchScope {
  /** The instance, or `-`. */
  readonly name: string;
  readonly instances: ReadonlySet<string>;
  readonly defaultFilter: string;
  readonly maxPageSize: number;
  readonly keepAliveMs: number;
  find(query: OperationQuery): Promise<readonly OperationRecord[]>;
}

/** Rows that are read, and sent, at a time. */
const PAGE_SIZE = 100;

/** A message is not made longer than about this, as common clients take no more than 4 MiB. */
const MOST_MESSAGE_BYTES = 1024 * 1024;

/** What a name takes, at most about. */
const NAME_BYTES = 1024;

/*
 * begin -> rows     the position in the changes is taken before the first row is read, so that whatever happens to an
 *                   operation while rows are sent comes again as a change.
 * rows -> changes   when the last page of rows was sent.
 * changes -> begin  when the store no longer knows what happened since the position.
 * A token is the state after its message: a page of rows or a position. All but the last of the messages that a page is cut
 * into have the token of the page before.
 */

/**
 * Follows the operations that match, until the signal fires. Of an operation that does not match, nothing is said unless
 * it may have matched before. INVALID_ARGUMENT names the field at fault: `filter` or `resume_token`.
 */
export async function* watchOperations(
  scope: WatchScope,
  { changes, clock }: { changes: ChangeFeed; clock: Clock },
  request: WatchRequest,
): AsyncGenerator<WatchedBatch, void, undefined> {
  const { signal, changesOnly } = request;
  const { filter: written, order } = resolveFilter(request.filter, scope.defaultFilter);
  const watched: FilteredQuery = { instance: scope.name, filter: written, order };
  let place = request.resumeToken === "" ? undefined : decodeWatchToken(request.resumeToken, watched);
  // Most filters mean the same at any time: then who watches the same may have the same.
  const now = place?.now ?? (isRelative(written) ? clock.now() : 0);
  const filter = filterAt(written, now);
  const viewOf = createView(scope, watched, now);
  let reset = false;
  // Who resumes hears at once that the server is there.
  let patienceMs = place ? 0 : scope.keepAliveMs;

  function* messages(news: readonly WatchedChange[][], before: WatchPlace, after: WatchPlace) {
    for (const [i, part] of news.entries()) {
      const isLast = i === news.length - 1;
      const resumeToken = encodeWatchToken(isLast ? after : before, watched);
      const live = (isLast ? after : before).rows === undefined;
      yield { reset, changes: part, live, resumeToken };
      reset = false;
    }
    place = after;
  }

  while (!signal.aborted) {
    if (!place) {
      reset = true;
      place = { position: await changes.position(), rows: changesOnly ? undefined : "", now };
      if (changesOnly) yield* messages([[]], place, place);
    } else if (place.rows !== undefined) {
      const { rows, next } = await rowsAt(scope, request.filter, place.rows, now);
      const news = rows.map((operation): WatchedChange => ({ kind: "matches", operation }));
      yield* messages(inParts(news), place, { ...place, rows: next });
    } else {
      const page = await changes.next(place.position, signal, patienceMs);
      patienceMs = scope.keepAliveMs;
      if (page === "aborted") return;
      if (page === "lost") place = undefined;
      else if (page === "tick") yield* messages([[]], place, place);
      else yield* messages(viewOf(page, filter), place, { ...place, position: page.position });
    }
  }
}

async function rowsAt(scope: WatchScope, filterText: string, pageToken: string, now: number) {
  const { name: instance, defaultFilter } = scope;
  const maxPageSize = Math.min(PAGE_SIZE, scope.maxPageSize);
  const { query, page } = buildQuery({ instance, filterText, defaultFilter, pageSize: 0, pageToken, maxPageSize, now });
  const { operations, nextPageToken } = page(await scope.find(query));
  return { rows: operations, next: nextPageToken === "" ? undefined : nextPageToken };
}

/** A page of changes as those see it who watch the same: made once, in parts of the size of a message. */
const views = new WeakMap<ChangePage, Map<string, WatchedChange[][]>>();

function createView(scope: WatchScope, watched: FilteredQuery, now: number) {
  // Whatever a token is bound to, the view is bound to.
  const name = encodeWatchToken({ position: "", rows: undefined, now }, watched);
  return (page: ChangePage, filter: Filter): WatchedChange[][] => {
    const known = views.get(page) ?? new Map<string, WatchedChange[][]>();
    views.set(page, known);
    let view = known.get(name);
    if (!view) {
      const news = page.changes.flatMap((change) => newsOf(change, scope, filter));
      view = news.length > 0 ? inParts(news) : [];
      known.set(name, view);
    }
    return view;
  };
}

function newsOf(change: OperationChange, { instances }: WatchScope, filter: Filter): WatchedChange[] {
  if (change.kind === "deleted") return instances.has(change.key.instance) ? [change] : [];
  const { operation } = change;
  const { instance, id } = operation;
  if (!instances.has(instance)) return [];
  if (matches(filter, operation)) return [{ kind: "matches", operation }];
  return mayHaveMatched(filter, operation) ? [{ kind: "left", key: { instance, id } }] : [];
}

/** At least one part, which may be empty. */
function inParts(news: readonly WatchedChange[]): WatchedChange[][] {
  const parts: WatchedChange[][] = [[]];
  let bytes = 0;
  for (const change of news) {
    const size = change.kind === "matches" ? operationSize(change.operation) : NAME_BYTES;
    if (bytes > 0 && bytes + size > MOST_MESSAGE_BYTES) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(change);
    bytes += size;
  }
  return parts;
}
