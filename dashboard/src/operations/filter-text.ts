/** A filter as it is written; "" is everything, the newest first. */
export type FilterText = string;

/** One `sort_order` of a filter. */
export interface Sort {
  readonly key: string;
  readonly descending: boolean;
}

/** What is watched when the filter box is empty: an empty filter would be the default filter of the instance. */
export const EVERYTHING = "sort_order = queued_time(desc)";

/** Quotations, which hide what is in them; or a sort with what joins it to what stands before. */
const QUOTED = /"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?/;
const SORT = /\bsort_order\s*=\s*([a-z_.]+)\s*(?:\(\s*(asc|desc)\s*\))?/;
const PIECES = new RegExp(`${QUOTED.source}|${SORT.source}`, "g");

interface Found extends Sort {
  readonly start: number;
  readonly end: number;
}

function find(filter: FilterText): Found[] {
  return [...filter.matchAll(PIECES)].flatMap(({ 0: text, 1: key, 2: direction, index }) =>
    key === undefined ? [] : [{ key, descending: direction === "desc", start: index, end: index + text.length }],
  );
}

/** What a filter is ordered by, the primary one first; none for the order that the server has by itself. */
export function sortsOf(filter: FilterText): Sort[] {
  return find(filter).map(({ key, descending }) => ({ key, descending }));
}

/** The filter without its order. */
export function withoutSort(filter: FilterText): FilterText {
  let rest = "";
  let from = 0;
  for (const { start, end } of find(filter)) {
    rest += `${filter.slice(from, start).replace(/\s*(?:\bAND|&)?\s*$/, "")} `;
    from = end;
  }
  return (rest + filter.slice(from)).trim().replace(/^(?:AND\b|&)\s*/, "");
}

/** The same filter in another order. */
export function withSort(filter: FilterText, { key, descending }: Sort): FilterText {
  const rest = withoutSort(filter);
  const sort = `sort_order = ${key}${descending ? "(desc)" : ""}`;
  return rest === "" ? sort : `${rest} AND ${sort}`;
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

/** The same filter with one more condition, in front of its order; unchanged when it is there already. */
export function withTerm(filter: FilterText, key: string, value: string, operator = "="): FilterText {
  const term = `${key} ${operator} ${filterValue(value)}`;
  const rest = withoutSort(filter);
  if (rest.split(/\s+AND\s+/).includes(term)) return filter;
  const [sort] = sortsOf(filter);
  const terms = rest === "" ? term : `${rest} AND ${term}`;
  return sort ? withSort(terms, sort) : terms;
}

/** What the server is asked for. */
export function watchedFilter(filter: FilterText): string {
  return filter.trim() === "" ? EVERYTHING : filter;
}
