import { invalidField, type StatusError } from "../base/errors.ts";
import type { SortTerm, SortValue } from "./filter-tree.ts";
import { sortKeys } from "./sort-keys.ts";
import { type FilteredQuery, formatToken, isTime, parseToken, queryHash } from "./token.ts";

/** Where a page begins. */
export interface PageStart {
  /** Sort values of the last row of the page before, one for each term of the order. */
  readonly values: readonly SortValue[];
  /** The time of the request for the first page, which times relative to now are relative to on all pages. */
  readonly now: number;
}

const VERSION = 2;

/** The token of the page after a row, good for the same instance, filter and order only. */
export function encodePageToken({ values, now }: PageStart, query: FilteredQuery): string {
  return formatToken([VERSION, queryHash(query), now, ...values]);
}

/**
 * What a token holds. INVALID_ARGUMENT on the field `page_token` for anything that `encodePageToken` did not make for this
 * query.
 */
export function decodePageToken(token: string, query: FilteredQuery): PageStart {
  const parts = parseToken(token);
  if (!parts) throw badToken("it is damaged");
  const [version, hash, now, ...values] = parts;
  if (version !== VERSION) throw badToken("it comes from another version of the server; start again without it");
  if (hash !== queryHash(query)) throw badToken("it belongs to another instance, filter or sort order");
  if (!isTime(now)) throw badToken("it is damaged");
  if (values.length !== query.order.length || !query.order.every((term, i) => isValueOf(term, values[i]))) {
    throw badToken("it is damaged");
  }
  return { values: values as SortValue[], now };
}

function isValueOf(term: SortTerm, value: unknown): boolean {
  const { type, nullable } = sortKeys[term.key];
  if (value === null) return nullable;
  if (type.name !== "text") return Number.isSafeInteger(value);
  // PostgreSQL takes neither as a parameter.
  return typeof value === "string" && !value.includes("\0") && value.isWellFormed();
}

function badToken(why: string): StatusError {
  return invalidField("page_token", `not a token of this list: ${why}`);
}
