import { createHash } from "node:crypto";
import { printFilter } from "./filter-print.ts";
import type { SortTerm, WrittenFilter } from "./filter-tree.ts";

/** A list or a watch, as far as its tokens are bound to it. */
export interface FilteredQuery {
  readonly instance: string;
  readonly filter: WrittenFilter;
  readonly order: readonly SortTerm[];
}

const LONGEST_TOKEN = 32768;
const LATEST_TIME = Date.parse("9999-12-31T23:59:59.999Z");

/**
 * The text of a token: base64url of a JSON array. A token is no secret and not signed: it holds nothing but what its owner
 * may ask for anyway.
 */
export function formatToken(parts: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

/** What `formatToken` was given; undefined for any other text. */
export function parseToken(token: string): unknown[] | undefined {
  const bytes = Buffer.from(token, "base64url");
  // Buffer skips what is not base64url; a token has one spelling only.
  if (token.length > LONGEST_TOKEN || bytes.toString("base64url") !== token) return undefined;
  try {
    const parts: unknown = JSON.parse(bytes.toString());
    return Array.isArray(parts) ? parts : undefined;
  } catch {
    return undefined;
  }
}

/** Tells apart the queries that tokens belong to. */
export function queryHash(query: FilteredQuery): string {
  const identity = JSON.stringify([query.instance, printFilter(query)]);
  return createHash("sha256").update(identity).digest("base64url").slice(0, 16);
}

/** Whether a part of a token is a time that a request can have had. */
export function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && Math.abs(value as number) <= LATEST_TIME;
}
