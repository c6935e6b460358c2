import { createHash } from "node:crypto";
import { invalidField, type StatusError } from "../base/errors.ts";
import { printFilter } from "./filter-print.ts";
import type { SortTerm, SortValue, WrittenFilter } from "./filter-tree.ts";
import { sortKeys } from "./sort-keys.ts";

/** What a page token belongs to: it is good for the same instance, filter and order only. */
export interface PagedQuery {
  readonly instance: string;
  readonly filter: WrittenFilter;
  readonly order: readonly SortTerm[];
}

/** Where a page begins. */
export interface PageStart {
  /** Sort values of the last row of the page before, one for each term of the order. */
  readonly values: readonly SortValue[];
  /** The time of the request for the first page, which times relative to now are relative to on all pages. */
  readonly now: number;
}

const VERSION = 2;
const LONGEST_TOKEN = 32768;

/** The token of the page after a row: base64url of `[version, hash of the query, time, ...sort values]`. */
export function encodePageToken({ values, now }: PageStart, query: PagedQuery): string {
  return Buffer.from(JSON.stringify([VERSION, queryHash(query), now, ...values])).toString("base64url");
}

/**
 * What a token holds. INVALID_ARGUMENT on the field `page_token` for anything that `encodePageToken` did not make for this
 * query. The token is no secret and not signed: it holds nothing but values that its owner could filter by.
 */
export function decodePageToken(token: string, query: PagedQuery): PageStart {
  const [version, hash, now, ...values] = parseToken(token);
  if (version !== VERSION) throw badToken("it comes from another version of the server; start again without it");
  if (hash !== queryHash(query)) throw badToken("it belongs to another instance, filter or sort order");
  if (!isTime(now)) throw badToken("it is damaged");
  if (values.length !== query.order.length || !query.order.every((term, i) => isValueOf(term, values[i]))) {
    throw badToken("it is damaged");
  }
  return { values: values as SortValue[], now };
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

const LATEST_TIME = Date.parse("9999-12-31T23:59:59.999Z");

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && Math.abs(value as number) <= LATEST_TIME;
}

function isValueOf(term: SortTerm, value: unknown): boolean {
  const { type, nullable } = sortKeys[term.key];
  if (value === null) return nullable;
  if (type.name !== "text") return Number.isSafeInteger(value);
  // PostgreSQL takes neither as a parameter.
  return typeof value === "string" && !value.includes("\0") && value.isWellFormed();
}

function queryHash(query: PagedQuery): string {
  const identity = JSON.stringify([query.instance, printFilter(query)]);
  return createHash("sha256").update(identity).digest("base64url").slice(0, 16);
}

function badToken(why: string): StatusError {
  return invalidField("page_token", `not a token of this list: ${why}`);
}
