import { invalidField, type StatusError } from "../base/errors.ts";
import { type FilteredQuery, formatToken, isTime, parseToken, queryHash } from "./token.ts";

/** How far a watch has come. */
export interface WatchPlace {
  /** Where in the sequence of changes, as the store says it: what is sent next, or after the rows. */
  readonly position: string;
  /** The token of the next page of rows, "" for the first; undefined when all rows were sent. */
  readonly rows: string | undefined;
  /** How many rows are still to be sent at most; undefined for all, and when all were sent. */
  readonly left: number | undefined;
  /** The time of the first request, which times relative to now are relative to; any other where none is. */
  readonly now: number;
}

const VERSION = 1;

/** The token that resumes a watch, good for the same instance, filter and order only. */
export function encodeWatchToken({ position, rows, left, now }: WatchPlace, query: FilteredQuery): string {
  return formatToken([VERSION, queryHash(query), now, position, rows ?? null, ...(left === undefined ? [] : [left])]);
}

/** What a token holds. INVALID_ARGUMENT on the field `resume_token` for any that was not made for this query. */
export function decodeWatchToken(token: string, query: FilteredQuery): WatchPlace {
  const parts = parseToken(token);
  if (parts?.length !== 5 && parts?.length !== 6) throw badToken("it is damaged");
  const [version, hash, now, position, rows, left] = parts;
  if (version !== VERSION) throw badToken("it comes from another version of the server; start again without it");
  if (hash !== queryHash(query)) throw badToken("it belongs to another instance, filter or sort order");
  if (!isTime(now) || typeof position !== "string" || !(rows === null || typeof rows === "string")) {
    throw badToken("it is damaged");
  }
  if (!(left === undefined || (rows !== null && isCount(left)))) throw badToken("it is damaged");
  return { position, rows: rows ?? undefined, left, now };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

function badToken(why: string): StatusError {
  return invalidField("resume_token", `not a token of this watch: ${why}`);
}
