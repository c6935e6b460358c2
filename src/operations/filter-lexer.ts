import { filterError, quoted } from "./filter-error.ts";
import type { Comparison } from "./filter-tree.ts";

/** A piece of a filter; `start` and `end` are positions in the text. */
export type Token =
  | {
      readonly kind: "word" | "and" | "or" | "not" | "open" | "close" | "end";
      readonly start: number;
      readonly end: number;
    }
  | { readonly kind: "operator"; readonly operator: Comparison; readonly start: number; readonly end: number };

const BLANK = /\s*/y;
const WORD = /[A-Za-z0-9_.:+/-]+/y;
const VALUE = /[A-Za-z0-9_.:+/()-]+/y;
const OPERATOR = /[<>!]=|[=<>]/y;

const KEYWORDS = { AND: "and", OR: "or", NOT: "not" } as const;
const PUNCTUATION = { "&": "and", "(": "open", ")": "close" } as const;

function lookUp<T>(table: Readonly<Record<string, T>>, word: string): T | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}

/** Where a sticky pattern that starts at `at` ends; `at` itself when it does not match. */
function matchEnd(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/** The token at or after `at`, white space skipped. INVALID_ARGUMENT at a character that no token starts with. */
export function tokenAt(text: string, at: number): Token {
  const start = matchEnd(BLANK, text, at);
  const first = text[start];
  if (first === undefined) return { kind: "end", start, end: start };
  const punctuation = lookUp(PUNCTUATION, first);
  if (punctuation) return { kind: punctuation, start, end: start + 1 };
  const operatorEnd = matchEnd(OPERATOR, text, start);
  if (operatorEnd > start) {
    return { kind: "operator", operator: text.slice(start, operatorEnd) as Comparison, start, end: operatorEnd };
  }
  const end = matchEnd(WORD, text, start);
  if (end === start) throw unexpectedCharacter(text, start);
  return { kind: lookUp(KEYWORDS, text.slice(start, end)) ?? "word", start, end };
}

/**
 * The value at or after `at`. Values have a lexical rule of their own, wider than a word's and without keywords, so that
 * it depends on the place whether `AND` or `(` belongs to a value.
 */
export function valueAt(text: string, at: number): Token {
  const start = matchEnd(BLANK, text, at);
  const end = matchEnd(VALUE, text, start);
  if (end > start) return { kind: "word", start, end };
  if (start === text.length || text[start] === "&") throw filterError(text, start, "expected a value");
  throw unexpectedCharacter(text, start);
}

function unexpectedCharacter(text: string, at: number): Error {
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0).toWellFormed();
  return filterError(text, at, `unexpected character ${quoted(character)}`);
}
