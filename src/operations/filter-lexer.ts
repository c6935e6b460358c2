import { filterError, quoted } from "./filter-error.ts";
import type { WrittenOperator } from "./filter-keys.ts";

/** A piece of a filter; `start` and `end` are positions in the text. */
export type Token =
  | {
      readonly kind: "word" | "and" | "or" | "not" | "open" | "close" | "end";
      readonly start: number;
      readonly end: number;
    }
  | { readonly kind: "operator"; readonly operator: WrittenOperator; readonly start: number; readonly end: number };

/** A value of a filter: the texts between its wildcards, so that there is one more than there are wildcards. */
export interface ValueToken {
  readonly start: number;
  readonly end: number;
  readonly pieces: readonly string[];
}

const BLANK = /\s*/y;
const WORD = /[A-Za-z0-9_@][A-Za-z0-9_@./+-]*/y;
const OPERATOR = /[<>!]=|[=<>:]/y;
const BARE = /[\p{L}\p{M}\p{N}_.:+/@%~#$?-]+/uy;
const UNESCAPED = /[^"'\\*]+/y;
const CODE_UNIT = /u([0-9A-Fa-f]{4})/y;

const KEYWORDS = { AND: "and", OR: "or", NOT: "not" } as const;
const PUNCTUATION = { "&": "and", "(": "open", ")": "close", "-": "not" } as const;
const ESCAPES: Readonly<Record<string, string>> = {
  ...{ '"': '"', "'": "'", "\\": "\\", "/": "/", "*": "*" },
  ...{ n: "\n", r: "\r", t: "\t" },
};

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
    return { kind: "operator", operator: text.slice(start, operatorEnd) as WrittenOperator, start, end: operatorEnd };
  }
  const end = matchEnd(WORD, text, start);
  if (end === start) throw unexpectedCharacter(text, start);
  return { kind: lookUp(KEYWORDS, text.slice(start, end)) ?? "word", start, end };
}

interface Scan {
  readonly text: string;
  at: number;
  readonly pieces: string[];
}

/**
 * The value at or after `at`: bare and quoted parts without white space between. Values have a lexical rule of their own,
 * wider than a word's and without keywords, so that it depends on the place whether `AND` or `(` belongs to a value. A
 * bare `)` does when it closes a `(` of the value, or when `inGroup` says that there is no group that it could close.
 */
export function valueAt(text: string, at: number, inGroup: boolean): ValueToken {
  const start = matchEnd(BLANK, text, at);
  const scan: Scan = { text, at: start, pieces: [""] };
  for (let open = 0; ; ) {
    const character = text[scan.at];
    if (character === '"' || character === "'") scanQuoted(scan, character);
    else if (character === "*") scanWildcard(scan);
    else if (character === "(" || (character === ")" && (open > 0 || !inGroup))) {
      open += character === "(" ? 1 : -1;
      append(scan, scan.at + 1);
    } else {
      const end = matchEnd(BARE, text, scan.at);
      if (end === scan.at) break;
      append(scan, end);
    }
  }
  if (scan.at > start) return { start, end: scan.at, pieces: wellFormed(scan, start) };
  if (start === text.length || text[start] === "&" || text[start] === ")") {
    throw filterError(text, start, "expected a value");
  }
  throw unexpectedCharacter(text, start);
}

function append(scan: Scan, end: number): void {
  scan.pieces[scan.pieces.length - 1] += scan.text.slice(scan.at, end);
  scan.at = end;
}

function scanWildcard(scan: Scan): void {
  // Wildcards side by side are one.
  if (scan.pieces.length === 1 || scan.pieces.at(-1) !== "") scan.pieces.push("");
  scan.at++;
}

function scanQuoted(scan: Scan, quote: string): void {
  const { text } = scan;
  const start = scan.at++;
  while (text[scan.at] !== quote) {
    const character = text[scan.at];
    if (character === undefined) throw filterError(text, start, "the quotation does not end");
    if (character === "*") scanWildcard(scan);
    else if (character === "\\") scanEscape(scan);
    else if (character === '"' || character === "'") append(scan, scan.at + 1);
    else append(scan, matchEnd(UNESCAPED, text, scan.at));
  }
  scan.at++;
}

function scanEscape(scan: Scan): void {
  const { text, pieces } = scan;
  const after = scan.at + 1;
  CODE_UNIT.lastIndex = after;
  const hex = CODE_UNIT.exec(text)?.[1];
  const character = hex ? String.fromCharCode(Number.parseInt(hex, 16)) : lookUp(ESCAPES, text[after] ?? "");
  if (character === undefined) throw filterError(text, scan.at, `no escape; expected ${ESCAPE_LIST}`);
  pieces[pieces.length - 1] += character;
  scan.at = after + (hex ? 5 : 1);
}

const ESCAPE_LIST = `one of ${Object.keys(ESCAPES)
  .map((each) => `\\${each}`)
  .join(" ")} \\uXXXX`;

function wellFormed({ text, pieces }: Scan, start: number): readonly string[] {
  for (const piece of pieces) {
    // No database takes either: NUL is an error in PostgreSQL, and half a character is no UTF-8.
    if (piece.includes("\0")) throw filterError(text, start, "a value cannot have the character NUL");
    if (!piece.isWellFormed()) throw filterError(text, start, "a value cannot have half of a surrogate pair");
  }
  return pieces;
}

function unexpectedCharacter(text: string, at: number): Error {
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0).toWellFormed();
  return filterError(text, at, `unexpected character ${quoted(character)}`);
}
