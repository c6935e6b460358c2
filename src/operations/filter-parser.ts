import { invalidField } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { platformCondition, propertyCondition, scalarCondition, type WrittenTest } from "./filter-conditions.ts";
import { filterError, quoted } from "./filter-error.ts";
import { filterKeys, isFilterKey, type WrittenOperator } from "./filter-keys.ts";
import { type Token, tokenAt, valueAt } from "./filter-lexer.ts";
import type { SortTerm, WrittenFilter } from "./filter-tree.ts";
import { isSortKey, sortKeys } from "./sort-keys.ts";

/** A filter text, understood. */
export interface ParsedFilter {
  /** Matches everything when the text has no comparison. */
  readonly filter: WrittenFilter;
  /** The `sort_order` terms as written, the primary one first. */
  readonly order: readonly SortTerm[];
  /** True when the text has at least one comparison. */
  readonly hasFilter: boolean;
}

/** The longest filter text, in UTF-16 code units. */
export const LONGEST_FILTER = 8192;
/** The most comparisons and sort terms in one filter. */
export const MOST_FILTER_TERMS = 100;
/** How deep parentheses and negations may nest. */
export const DEEPEST_FILTER = 32;

export const SORT_ORDER = "sort_order";
const PROPERTY = "platform.";

interface Cursor {
  readonly text: string;
  at: number;
  terms: number;
  /** Open parentheses and negations. */
  depth: number;
  /** Open parentheses. */
  groups: number;
  readonly order: SortTerm[];
}

/**
 * Parses a filter:
 *
 *     filter     = [ and ]
 *     and        = or { [ "AND" | "&" ] or }
 *     or         = not { "OR" not }
 *     not        = { "NOT" | "-" } ( "(" and ")" | comparison | sort )
 *     comparison = key operator value | boolean key
 *     sort       = "sort_order" "=" sort key [ "(" ("asc" | "desc") ")" ]
 *
 * White space may stand between any two tokens. A sort may not stand inside of OR, NOT or parentheses. INVALID_ARGUMENT on
 * the field `filter`, with the place of the mistake.
 */
export function parseFilter(text: string): ParsedFilter {
  if (text.length > LONGEST_FILTER)
    throw invalidField("filter", `must not be longer than ${LONGEST_FILTER} characters`);
  const cursor: Cursor = { text, at: 0, terms: 0, depth: 0, groups: 0, order: [] };
  if (tokenAt(text, 0).kind === "end") return { filter: join("and", []), order: [], hasFilter: false };
  const filter = parseAnd(cursor);
  const rest = tokenAt(text, cursor.at);
  if (rest.kind !== "end") throw unexpectedToken(text, rest, "AND, & or OR");
  return { filter, order: cursor.order, hasFilter: cursor.terms > cursor.order.length };
}

/** Joins what does not join in the same way itself. */
function join(kind: "and" | "or", parts: readonly WrittenFilter[]): WrittenFilter {
  const terms = parts.flatMap((part) => (part.kind === kind ? part.terms : [part]));
  const [only] = terms;
  return only && terms.length === 1 ? only : { kind, terms };
}

function parseAnd(cursor: Cursor): WrittenFilter {
  const terms: WrittenFilter[] = [];
  for (;;) {
    const term = parseOr(cursor);
    if (term) terms.push(term);
    const joint = tokenAt(cursor.text, cursor.at);
    if (joint.kind === "and") cursor.at = joint.end;
    else if (joint.kind !== "word" && joint.kind !== "not" && joint.kind !== "open") return join("and", terms);
  }
}

/** Undefined for a sort. */
function parseOr(cursor: Cursor): WrittenFilter | undefined {
  const { text } = cursor;
  const { start } = tokenAt(text, cursor.at);
  const first = parseNot(cursor);
  const terms = [first];
  for (let joint = tokenAt(text, cursor.at); joint.kind === "or"; joint = tokenAt(text, cursor.at)) {
    cursor.at = joint.end;
    const next = tokenAt(text, cursor.at);
    terms.push(parseNot(cursor));
    if (!terms.at(-1)) throw misplacedSort(text, next.start);
  }
  if (terms.length === 1) return first;
  if (!first) throw misplacedSort(text, start);
  return join("or", terms as WrittenFilter[]);
}

/** Undefined for a sort. */
function parseNot(cursor: Cursor): WrittenFilter | undefined {
  const token = next(cursor);
  if (token.kind === "word") return parseTerm(cursor, token);
  if (token.kind !== "not" && token.kind !== "open") throw unexpectedToken(cursor.text, token, "a key");
  if (++cursor.depth > DEEPEST_FILTER) {
    throw filterError(cursor.text, token.start, `nested deeper than ${DEEPEST_FILTER}`);
  }
  const filter = token.kind === "not" ? parseNegated(cursor) : parseGroup(cursor);
  cursor.depth--;
  return filter;
}

function parseNegated(cursor: Cursor): WrittenFilter {
  const { start } = tokenAt(cursor.text, cursor.at);
  const term = parseNot(cursor);
  if (!term) throw misplacedSort(cursor.text, start);
  return { kind: "not", term };
}

function parseGroup(cursor: Cursor): WrittenFilter {
  cursor.groups++;
  const filter = parseAnd(cursor);
  const close = next(cursor);
  if (close.kind !== "close") throw unexpectedToken(cursor.text, close, 'AND, OR or ")"');
  cursor.groups--;
  return filter;
}

function parseTerm(cursor: Cursor, token: Token): WrittenFilter | undefined {
  const { text } = cursor;
  if (++cursor.terms > MOST_FILTER_TERMS) {
    throw filterError(text, token.start, `more than ${MOST_FILTER_TERMS} terms`);
  }
  const key = wordOf(text, token);
  if (key === SORT_ORDER) {
    if (cursor.groups > 0) throw misplacedSort(text, token.start);
    cursor.order.push(parseSort(cursor));
    return undefined;
  }
  if (key.startsWith(PROPERTY) && key !== PROPERTY) {
    return propertyCondition(key.slice(PROPERTY.length), parseTest(cursor, key, filterKeys.platform.operators));
  }
  if (!isFilterKey(key)) throw unknownKey(text, token);
  if (key === "platform") return platformCondition(parseTest(cursor, key, filterKeys.platform.operators));
  const { type, operators } = filterKeys[key];
  const alone = type.name === "boolean" && tokenAt(text, cursor.at).kind !== "operator";
  return alone ? { kind: "compare", key, op: "=", value: 1 } : scalarCondition(key, parseTest(cursor, key, operators));
}

function parseTest(cursor: Cursor, key: string, operators: readonly WrittenOperator[]): WrittenTest {
  const operator = parseOperator(cursor, key, operators);
  const value = valueAt(cursor.text, cursor.at, cursor.groups > 0);
  cursor.at = value.end;
  return { text: cursor.text, operator, value };
}

function parseSort(cursor: Cursor): SortTerm {
  const { text } = cursor;
  parseOperator(cursor, SORT_ORDER, ["="]);
  const token = next(cursor);
  if (token.kind !== "word") throw unexpectedToken(text, token, "a sort key");
  const key = wordOf(text, token);
  if (!isSortKey(key)) throw unknownSortKey(text, token);
  if (tokenAt(text, cursor.at).kind !== "open") return { key, descending: false };
  next(cursor);
  const direction = next(cursor);
  const word = wordOf(text, direction).toLowerCase();
  if (word !== "asc" && word !== "desc") throw unexpectedToken(text, direction, "asc or desc");
  const close = next(cursor);
  if (close.kind !== "close") throw unexpectedToken(text, close, '")"');
  return { key, descending: word === "desc" };
}

function parseOperator(cursor: Cursor, key: string, allowed: readonly WrittenOperator[]): WrittenOperator {
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

function unexpectedToken(text: string, token: Token, expected: string): Error {
  const found = token.kind === "end" ? "the end of the filter" : quoted(wordOf(text, token));
  return filterError(text, token.start, `expected ${expected}, found ${found}`);
}

function misplacedSort(text: string, at: number): Error {
  return filterError(text, at, `${SORT_ORDER} cannot stand inside of OR, NOT or parentheses`);
}

function unknownKey(text: string, token: Token): Error {
  const keys = [...Object.keys(filterKeys), SORT_ORDER];
  return unknownWord(text, token, "key", { near: [...keys, "AND", "OR", "NOT"], known: keys });
}

function unknownSortKey(text: string, token: Token): Error {
  const known = Object.keys(sortKeys);
  return unknownWord(text, token, "sort key", { near: known, known });
}

function unknownWord(
  text: string,
  token: Token,
  what: string,
  { near, known }: { near: readonly string[]; known: readonly string[] },
): Error {
  const word = wordOf(text, token);
  const guess = nearest(word, near);
  const hint = guess ? `did you mean ${guess}?` : `expected one of ${known.join(", ")}`;
  return filterError(text, token.start, `${quoted(word)} is no ${what}; ${hint}`);
}
