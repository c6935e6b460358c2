import { type Piece, scanFilter } from "./filter-scan.ts";

/** A filter as it is written; "" is everything, the newest first. */
export type FilterText = string;

/** One `sort_order` of a filter. */
export interface Sort {
  readonly key: string;
  readonly descending: boolean;
}

/** What is watched when the filter box is empty: an empty filter would be the default filter of the instance. */
export const EVERYTHING = "sort_order = queued_time(desc)";

/** What is watched for a filter that is written. */
export function watchedFilter(filter: FilterText): string {
  return filter.trim() === "" ? EVERYTHING : filter;
}

interface WrittenSort extends Sort {
  readonly start: number;
  readonly end: number;
}

/** The sorts of a filter; each reaches over what joins it to its neighbours. */
function findSorts(filter: FilterText): WrittenSort[] {
  const pieces = scanFilter(filter);
  const sorts: WrittenSort[] = [];
  for (const [at, piece] of pieces.entries()) {
    if (piece.kind !== "sort") continue;
    const [, key = "", direction] = /^([^\s(]*)\s*(?:\(\s*(\w*))?/.exec(filter.slice(piece.start, piece.end)) ?? [];
    const before = pieces[at - 3];
    const after = pieces[at + 1];
    const joins = before?.kind === "and" && before.start >= (sorts.at(-1)?.end ?? 0);
    const start = joins ? before.start : (pieces[at - 2] as Piece).start;
    const end = !joins && after?.kind === "and" ? after.end : piece.end;
    sorts.push({ key, descending: direction?.toLowerCase() === "desc", start, end });
  }
  return sorts;
}

/** What a filter is ordered by, the primary one first; none for the order that the server has by itself. */
export function sortsOf(filter: FilterText): Sort[] {
  return findSorts(filter).map(({ key, descending }) => ({ key, descending }));
}

/** The filter without its order. */
export function withoutSort(filter: FilterText): FilterText {
  const kept: string[] = [];
  let from = 0;
  for (const { start, end } of findSorts(filter)) {
    kept.push(filter.slice(from, start).trim());
    from = end;
  }
  kept.push(filter.slice(from).trim());
  return kept.filter((part) => part !== "").join(" ");
}

function sortText({ key, descending }: Sort): string {
  return `sort_order = ${key}${descending ? "(desc)" : ""}`;
}

/** The same filter in another order. */
export function withSort(filter: FilterText, sort: Sort): FilterText {
  return joined([withoutSort(filter), sortText(sort)]);
}

function joined(terms: readonly string[]): FilterText {
  return terms.filter((term) => term !== "").join(" AND ");
}

/** A value as a filter has it: quoted where it would be taken for something else. */
export function filterValue(value: string): string {
  if (/^[A-Za-z0-9_.:+\-/@%~#$?]+$/.test(value)) return value;
  return `"${value
    .replaceAll(/["\\*]/g, "\\$&")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll("\t", "\\t")}"`;
}

/** A condition as it is written: `key = value`. */
export function termText(key: string, value: string, operator = "="): string {
  return `${key} ${operator} ${filterValue(value)}`;
}

/** The same filter with one more condition, in front of its order; unchanged when it is there already. */
export function withTerm(filter: FilterText, key: string, value: string, operator = "="): FilterText {
  return withCondition(filter, termText(key, value, operator));
}

/** The same filter with one more condition as it is written, in front of its order; unchanged when it is there already. */
export function withCondition(filter: FilterText, condition: string): FilterText {
  const rest = withoutSort(filter);
  if (` AND ${rest} AND `.includes(` AND ${condition} AND `)) return filter;
  return joined([rest, condition, ...sortsOf(filter).map(sortText)]);
}

/** What passes exactly when a condition does not. */
export function negated(condition: string): string {
  return scanFilter(condition).length > 3 ? `NOT (${condition})` : `NOT ${condition}`;
}

/** A filter in as few blanks as it can be compared by. */
export function sameFilter(a: FilterText, b: FilterText): boolean {
  return normal(watchedFilter(a)) === normal(watchedFilter(b));
}

function normal(filter: FilterText): string {
  return scanFilter(filter)
    .map(({ kind, start, end }) =>
      kind === "sort" ? filter.slice(start, end).replace(/\s+/g, "") : filter.slice(start, end),
    )
    .map((piece) => (piece === "&" ? "AND" : piece))
    .join(" ");
}
