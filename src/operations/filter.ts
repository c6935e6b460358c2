import { invalidField } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { filterError, quoted } from "./filter-error.ts";
import { filterKeys, isFilterKey } from "./filter-keys.ts";
import { type Token, tokenAt, valueAt } from "./filter-lexer.ts";
import type { Comparison, Filter, FilterKey, SortTerm } from "./filter-tree.ts";
import { isSortKey, sortKeys, totalOrder } from "./sort-keys.ts";

/** A filter text, understood. */
export interface ParsedFilter {
  /** Matches everything when the text has no comparison. */
  readonly filter: Filter;
  /** The `sort_order` terms as written, the primary one first. */
  readonly order: readonly SortTerm[];
  /** True when the text has at least one comparison. */
  readonly hasFilter: boolean;
}

/** The longest filter text, in UTF-16 code units. */
export const LONGEST_FILTER = 8192;
/** The most comparisons and sort terms in one filter. */
export const MOST_FILTER_TERMS = 100;

const SORT_ORDER = "sort_order";

interface Cursor {
  readonly text: string;
  at: number;
  terms: number;
  readonly order: SortTerm[];
}

/**
 * Parses a filter:
 *
 *     filter     = [ and ]
 *     and        = term { ("&" | "AND") term }
 *     term       = comparison | sort
 *     comparison = key operator value
 *     sort       = "sort_order" "=" sort key [ "(" ("asc" | "desc") ")" ]
 *
 * White space may stand between any two tokens. INVALID_ARGUMENT on the field `filter`, with the place of the mistake.
 */
export function parseFilter(text: string): ParsedFilter {
  if (text.length > LONGEST_FILTER)
    throw invalidField("filter", `must not be longer than ${LONGEST_FILTER} characters`);
  const cursor: Cursor = { text, at: 0, terms: 0, order: [] };
  if (tokenAt(text, 0).kind === "end") return { filter: conjunction([]), order: [], hasFilter: false };
  const terms = parseAnd(cursor);
  const rest = tokenAt(text, cursor.at);
  if (rest.kind !== "end") throw unexpectedToken(text, rest);
  return { filter: conjunction(terms), order: cursor.order, hasFilter: terms.length > 0 };
}

/**
 * The filter and the total order that a request means: an empty text stands for `defaultText`, any other text, even one
 * that only sorts, replaces it. `defaultText` is the operator's and should have been parsed once at start.
 */
export function resolveFilter(text: string, defaultText: string): ParsedFilter {
  const asked = parseFilter(text);
  const parsed = asked.hasFilter || asked.order.length > 0 ? asked : parseFilter(defaultText);
  return { ...parsed, order: totalOrder(parsed.order) };
}

/** The canonical text of a parsed filter; parsing it gives the same again. */
export function printFilter(parsed: Pick<ParsedFilter, "filter" | "order">): string {
  const sorts = parsed.order.map((term) => `${SORT_ORDER} = ${term.key}(${term.descending ? "desc" : "asc"})`);
  return [...printTerms(parsed.filter), ...sorts].join(" AND ");
}

function conjunction(terms: readonly Filter[]): Filter {
  const [only] = terms;
  return only && terms.length === 1 ? only : { kind: "and", terms };
}

function parseAnd(cursor: Cursor): Filter[] {
  const terms: Filter[] = [];
  for (;;) {
    const term = parseTerm(cursor);
    if (term) terms.push(term);
    const joint = tokenAt(cursor.text, cursor.at);
    if (joint.kind !== "and") return terms;
    cursor.at = joint.end;
  }
}

function parseTerm(cursor: Cursor): Filter | undefined {
  const { text } = cursor;
  const token = next(cursor);
  if (token.kind !== "word") throw unexpectedToken(text, token, "a key");
  if (++cursor.terms > MOST_FILTER_TERMS) {
    throw filterError(text, token.start, `more than ${MOST_FILTER_TERMS} terms`);
  }
  const key = wordOf(text, token);
  if (isFilterKey(key)) return parseComparison(cursor, key);
  if (key !== SORT_ORDER) throw unknownWord(text, token, "key", [...Object.keys(filterKeys), SORT_ORDER]);
  cursor.order.push(parseSort(cursor));
  return undefined;
}

function parseComparison(cursor: Cursor, key: FilterKey): Filter {
  const { text } = cursor;
  const spec = filterKeys[key];
  const op = parseOperator(cursor, key, spec.operators);
  const token = valueAt(text, cursor.at);
  cursor.at = token.end;
  const value = spec.parse(wordOf(text, token));
  if (value === undefined) throw unknownWord(text, token, `value of ${key}`, spec.values, spec.expects);
  return { kind: "compare", key, op, value };
}

function parseSort(cursor: Cursor): SortTerm {
  const { text } = cursor;
  parseOperator(cursor, SORT_ORDER, ["="]);
  const token = next(cursor);
  if (token.kind !== "word") throw unexpectedToken(text, token, "a sort key");
  const key = wordOf(text, token);
  if (!isSortKey(key)) throw unknownWord(text, token, "sort key", Object.keys(sortKeys));
  if (tokenAt(text, cursor.at).kind !== "open") return { key, descending: false };
  next(cursor);
  const direction = next(cursor);
  const word = wordOf(text, direction).toLowerCase();
  if (word !== "asc" && word !== "desc") throw unexpectedToken(text, direction, "asc or desc");
  const close = next(cursor);
  if (close.kind !== "close") throw unexpectedToken(text, close, '")"');
  return { key, descending: word === "desc" };
}

function parseOperator(cursor: Cursor, key: string, allowed: readonly Comparison[]): Comparison {
  const token = next(cursor);
  if (token.kind !== "operator") throw unexpectedToken(cursor.text, token, `an operator after ${quoted(key)}`);
  if (allowed.includes(token.operator)) return token.operator;
  throw filterError(cursor.text, token.start, `${key} can only be used with ${allowed.join(" ")}`);
}

function next(cursor: Cursor): Token {
  const token = tokenAt(cursor.text, cursor.at);
  cursor.at = token.end;
  return token;
}

function wordOf(text: string, token: Token): string {
  return text.slice(token.start, token.end);
}

function unexpectedToken(text: string, token: Token, expected = "& or AND"): Error {
  const found = token.kind === "end" ? "the end of the filter" : quoted(wordOf(text, token));
  return filterError(text, token.start, `expected ${expected}, found ${found}`);
}

function unknownWord(text: string, token: Token, what: string, known: readonly string[], expects?: string): Error {
  const word = wordOf(text, token);
  const guess = nearest(word, known);
  const hint = guess ? `; did you mean ${guess}?` : `; expected ${expects ?? `one of ${known.join(", ")}`}`;
  return filterError(text, token.start, `${quoted(word)} is no ${what}${hint}`);
}

function printTerms(filter: Filter): string[] {
  if (filter.kind === "and") return filter.terms.flatMap(printTerms);
  return [`${filter.key} ${filter.op} ${filterKeys[filter.key].print(filter.value)}`];
}
