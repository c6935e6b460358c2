import type { Clock } from "../base/clock.ts";
import { invalidField } from "../base/errors.ts";
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
  /** How many of those that match already are sent at most; 0 for all. With a token only where the watch begins anew. */
  readonly limit: number;
  /** Summaries are wanted of operations: a message of them is cut by their number alone. */
  readonly summaries: boolean;
  readonly signal: AbortSignal;
}

/** An operation that matches, or one that is no longer of interest. */
export type WatchedChange =
  | { readonly kind: "matches"; readonly operation: OperationRecord }
  | { readonly kind: "left" | "deleted"; readonly key: OperationKey };

/** One message of a watch. Those who watch the same in the same view get the same array of changes. */
export interface WatchedBatch {
  /** What was said before is void. */
  readonly reset: boolean;
  readonly changes: readonly WatchedChange[];
  /** All that matched at the beginning has been sent. */
  readonly live: boolean;
  /** More matched at the beginning than the limit let through; said once, with the last of the rows. */
  readonly truncated: boolean;
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

const NO_ROWS = { rows: undefined, left: undefined };

/*
 * begin -> rows     the position in the changes is taken before the first row is read, so that whatever happens to an
 *                   operation while rows are sent comes again as a change.
 * rows -> changes   when the last page of rows was sent.
 * changes -> begin  when the store no longer knows what happened since the position.
 * A token is the state after its message: a page of rows, with what is left of the limit, or a position. All but the last of the messages that a page is cut
 * into have the token of the page before.
 */

/**
 * Follows the operations that match, until the signal fires. Of an operation that does not match, nothing is said unless
 * it may have matched before. INVALID_ARGUMENT names the field at fault: `filter`, `limit`
 * or `resume_token`.
 */
export async function* watchOperations(
  scope: WatchScope,
  { changes, clock }: { changes: ChangeFeed; clock: Clock },
  request: WatchRequest,
): AsyncGenerator<WatchedBatch, void, undefined> {
  const { signal, changesOnly, limit, summaries } = request;
  if (limit < 0) throw invalidField("limit", "must not be negative");
  const { filter: written, order } = resolveFilter(request.filter, scope.defaultFilter);
  const watched: FilteredQuery = { instance: scope.name, filter: written, order };
  let place = request.resumeToken === "" ? undefined : decodeWatchToken(request.resumeToken, watched);
  // Most filters mean the same at any time: then who watches the same may have the same.
  const now = place?.now ?? (isRelative(written) ? clock.now() : 0);
  const filter = filterAt(written, now);
  const viewOf = createView(scope, watched, { now, summaries });
  let reset = false;
  // Who resumes hears at once that the server is there.
  let patienceMs = place ? 0 : scope.keepAliveMs;

  function* messages(news: readonly WatchedChange[][], before: WatchPlace, after: WatchPlace, truncated = false) {
    for (const [i, part] of news.entries()) {
      const isLast = i === news.length - 1;
      const resumeToken = encodeWatchToken(isLast ? after : before, watched);
      const live = (isLast ? after : before).rows === undefined;
      yield { reset, changes: part, live, truncated: isLast && truncated, resumeToken };
      reset = false;
    }
    place = after;
  }

  while (!signal.aborted) {
    if (!place) {
      reset = true;
      const position = await changes.position();
      place = changesOnly ? { position, ...NO_ROWS, now } : { position, rows: "", left: limit || undefined, now };
      if (changesOnly) yield* messages([[]], place, place);
    } else if (place.rows !== undefined) {
      const { rows, next } = await rowsAt(scope, request.filter, place, now);
      const news = rows.map((operation): WatchedChange => ({ kind: "matches", operation }));
      const left = place.left && place.left - rows.length;
      const after = next === undefined || left === 0 ? NO_ROWS : { rows: next, left };
      yield* messages(inParts(news, summaries), place, { ...place, ...after }, next !== undefined && left === 0);
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

async function rowsAt(scope: WatchScope, filterText: string, { rows: pageToken = "", left }: WatchPlace, now: number) {
  const { name: instance, defaultFilter } = scope;
  const maxPageSize = Math.min(PAGE_SIZE, scope.maxPageSize, left ?? PAGE_SIZE);
  const { query, page } = buildQuery({ instance, filterText, defaultFilter, pageSize: 0, pageToken, maxPageSize, now });
  const { operations, nextPageToken } = page(await scope.find(query));
  return { rows: operations, next: nextPageToken === "" ? undefined : nextPageToken };
}

/** A page of changes as those see it who watch the same: made once, in parts of the size of a message. */
const views = new WeakMap<ChangePage, Map<string, WatchedChange[][]>>();

function createView(scope: WatchScope, watched: FilteredQuery, wish: { now: number; summaries: boolean }) {
  const { now, summaries } = wish;
  // Whatever a token is bound to, the view is bound to.
  const name = `${summaries} ${encodeWatchToken({ position: "", ...NO_ROWS, now }, watched)}`;
  return (page: ChangePage, filter: Filter): WatchedChange[][] => {
    const known = views.get(page) ?? new Map<string, WatchedChange[][]>();
    views.set(page, known);
    let view = known.get(name);
    if (!view) {
      const news = page.changes.flatMap((change) => newsOf(change, scope, filter));
      view = news.length > 0 ? inParts(news, summaries) : [];
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

/** At least one part, which may be empty. A page of summaries, which have about 16 KiB at most, is one. */
function inParts(news: readonly WatchedChange[], summaries: boolean): WatchedChange[][] {
  if (summaries) return [[...news]];
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
