import { invalidField } from "../base/errors.ts";
import { filterAt, resolveFilter } from "./filter.ts";
import type { OperationQuery } from "./filter-tree.ts";
import { operationSize } from "./operation-size.ts";
import { decodePageToken, encodePageToken } from "./page-token.ts";
import type { OperationRecord } from "./record.ts";
import { sortValuesOf } from "./sort-keys.ts";
import type { FilteredQuery } from "./token.ts";

/** What a client asks of a list, and the limits of the instance. */
export interface ListRequest {
  readonly instance: string;
  /** "" for `defaultFilter`. */
  readonly filterText: string;
  readonly defaultFilter: string;
  /** 0 for `maxPageSize`; more is cut to it. */
  readonly pageSize: number;
  /** "" for the first page. */
  readonly pageToken: string;
  readonly maxPageSize: number;
  /** The time of the request: what `now` in the filter of a first page means. */
  readonly now: number;
}

/** One page of a list: fewer operations than were asked for when they are large, but at least one if there is one. */
export interface Page {
  readonly operations: readonly OperationRecord[];
  /** "" on the last page. */
  readonly nextPageToken: string;
}

/** A list request, understood. */
export interface ListQuery {
  /** What to ask the store: one row more than a page has, which tells whether another page follows. */
  readonly query: OperationQuery;
  /** Makes the page of the rows that the store answered. */
  page(rows: readonly OperationRecord[]): Page;
}

/** The filter of instances that do not set another: what has not ended yet. */
export const DEFAULT_FILTER = "stage != COMPLETED";

/** A page ends before it is longer than this: common gRPC clients take no message of more than 4 MiB. */
export const MOST_PAGE_BYTES: number = 3.5 * 1024 * 1024;

/** The page size that is served (AIP-158). INVALID_ARGUMENT on the field `page_size` when negative. */
export function pageSize(requested: number, max: number): number {
  if (requested < 0) throw invalidField("page_size", "must not be negative");
  return requested === 0 ? max : Math.min(requested, max);
}

/** Understands a list request. INVALID_ARGUMENT names the field at fault: `filter`, `page_size` or `page_token`. */
export function buildQuery(request: ListRequest): ListQuery {
  const { instance, pageToken } = request;
  const size = pageSize(request.pageSize, request.maxPageSize);
  const { filter, order } = resolveFilter(request.filterText, request.defaultFilter);
  const paged: FilteredQuery = { instance, filter, order };
  const start = pageToken === "" ? undefined : decodePageToken(pageToken, paged);
  const now = start?.now ?? request.now;
  const query: OperationQuery = {
    ...{ instance, order },
    filter: filterAt(filter, now),
    after: start?.values,
    limit: size + 1,
  };
  return { query, page: (rows) => pageOf(rows, { size, paged, now }) };
}

function pageOf(
  rows: readonly OperationRecord[],
  { size, paged, now }: { size: number; paged: FilteredQuery; now: number },
): Page {
  const count = Math.min(size, countThatFits(rows));
  const last = rows.length > count ? rows[count - 1] : undefined;
  if (!last) return { operations: rows, nextPageToken: "" };
  const start = { values: sortValuesOf(last, paged.order), now };
  return { operations: rows.slice(0, count), nextPageToken: encodePageToken(start, paged) };
}

/** How many of the first rows make a page that is not too long; at least one. */
function countThatFits(rows: readonly OperationRecord[]): number {
  let bytes = 0;
  const tooLong = rows.findIndex((row) => {
    bytes += operationSize(row);
    return bytes > MOST_PAGE_BYTES;
  });
  return tooLong < 0 ? rows.length : Math.max(1, tooLong);
}
