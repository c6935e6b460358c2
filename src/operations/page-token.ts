import { createHash } from "node:crypto";
import { invalidField, type StatusError } from "../base/errors.ts";
import { printFilter } from "./filter.ts";
import type { OperationQuery, SortTerm, SortValue } from "./filter-tree.ts";
import { sortKeys } from "./sort-keys.ts";

/** What a page token belongs to: it is good for the same instance, filter and order only. */
export type PagedQuery = Pick<OperationQuery, "instance" | "filter" | "order">;

const VERSION = 1;
const LONGEST_TOKEN = 32768;

/** The token of the page after a row with these sort values: base64url of `[version, hash of the query, ...values]`. */
export function encodePageToken(values: readonly SortValue[], query: PagedQuery): string {
  return Buffer.from(JSON.stringify([VERSION, queryHash(query), ...values])).toString("base64url");
}

/**
 * The sort values in a token. INVALID_ARGUMENT on the field `page_token` for anything that `encodePageToken` did not make
 * for this query. The token is no secret and not signed: it holds nothing but values that its owner could filter by.
 */
export function decodePageToken(token: string, query: PagedQuery): SortValue[] {
  const [version, hash, ...values] = parseToken(token);
  if (version !== VERSION) throw badToken("it comes from another version of the server; start again without it");
  if (hash !== queryHash(query)) throw badToken("it belongs to another instance, filter or sort order");
  if (values.length !== query.order.length || !query.order.every((term, i) => isValueOf(term, values[i]))) {
    throw badToken("it is damaged");
  }
  return values as SortValue[];
}

function parseToken(token: string): unknown[] {
  const bytes = Buffer.from(token, "base64url");
  // Buffer skips what is not base64url; a token has one spelling only.
  if (token.length > LONGEST_TOKEN || bytes.toString("base64url") !== token) throw badToken("it is damaged");
  try {
    const parts: unknown = JSON.parse(bytes.toString());
    if (Array.isArray(parts)) return parts;
  } catch {
    // Not JSON: as bad as any other.
  }
  throw badToken("it is damaged");
}

function isValueOf(term: SortTerm, value: unknown): boolean {
  const { type, nullable } = sortKeys[term.key];
  if (value === null) return nullable;
  // A NUL in a text parameter is an error in PostgreSQL.
  return type === "number" ? Number.isSafeInteger(value) : typeof value === "string" && !value.includes("\0");
}

function queryHash(query: PagedQuery): string {
  const identity = JSON.stringify([query.instance, printFilter(query)]);
  return createHash("sha256").update(identity).digest("base64url").slice(0, 16);
}

function badToken(why: string): StatusError {
  return invalidField("page_token", `not a token of this list: ${why}`);
}
