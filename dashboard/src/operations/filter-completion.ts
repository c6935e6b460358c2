import { type Piece, scanFilter } from "./filter-scan.ts";
import { filterValue } from "./filter-text.ts";

/** A key of the filter language, as GetOperationFilters tells of it. */
export interface LanguageKey {
  readonly key: string;
  readonly description: string;
  /** As `text`, `number` or `time`. */
  readonly type: string;
  readonly operators: readonly string[];
  readonly values: readonly string[];
  readonly sortable: boolean;
}

/** What a filter can be completed with. */
export interface Language {
  readonly keys: readonly LanguageKey[];
  /** Values of a key that there are, the most frequent first. */
  seen(key: string): readonly string[];
}

/** Something that can be written at a place. */
export interface Completion {
  /** As it reads in the list. */
  readonly label: string;
  /** One line about it; "" where there is nothing to say. */
  readonly detail: string;
  /** What is written, the blank behind it included. */
  readonly insert: string;
}

/** What can be written at a place, and what it takes the place of. */
export interface Completions {
  readonly from: number;
  readonly to: number;
  readonly options: readonly Completion[];
}

const SORT_ORDER = "sort_order";
const MOST_OPTIONS = 50;
const AND = word("AND", "both must hold");
const OR = word("OR", "one must hold; binds tighter than AND");
const NOT = word("NOT", "the opposite");

const OPERATOR_MEANING: Readonly<Record<string, string>> = {
  "=": "is",
  "!=": "is another than",
  "<": "less than",
  "<=": "at most",
  ">": "more than",
  ">=": "at least",
  ":": "contains; :* has any",
};

/** Values to begin with, for types of which there are too many to list. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  time: ["now-10m", "now-1h", "now-1d"],
  duration: ["1s", "10s", "1m", "10m", "1h"],
};

function word(text: string, detail: string): Completion {
  return { label: text, detail, insert: `${text} ` };
}

/** What can be written where the caret stands. */
export function completionsAt(text: string, caret: number, language: Language): Completions {
  const pieces = scanFilter(text);
  const at = pieces.findIndex(({ start, end }) => start < caret && caret <= end);
  const touched = pieces[at];
  const isWord = touched?.kind === "key" || touched?.kind === "value" || touched?.kind === "sort";
  const isKeyword = touched && ["and", "or", "not"].includes(touched.kind) && touched.end - touched.start > 1;
  if (touched && (isWord || isKeyword)) {
    const typed = text.slice(touched.start, caret);
    const options = matching(expected(text, pieces.slice(0, at), language), typed);
    return { from: touched.start, to: touched.end, options };
  }
  const before = pieces.filter(({ end }) => end <= caret);
  return { from: caret, to: caret, options: expected(text, before, language).slice(0, MOST_OPTIONS) };
}

/** What may follow some pieces. */
function expected(text: string, before: readonly Piece[], language: Language): Completion[] {
  const last = before.at(-1);
  const textOf = (piece: Piece | undefined) => (piece ? text.slice(piece.start, piece.end) : "");
  switch (last?.kind) {
    case "operator":
      return operands(textOf(before.at(-2)), language);
    case "key":
      return operators(textOf(last), language);
    case "value":
    case "sort":
    case "close":
      return [AND, OR, ...terms(language)];
    default:
      return terms(language);
  }
}

function terms({ keys }: Language): Completion[] {
  return [...keys.map(({ key, description }) => word(key, description)), NOT, word(SORT_ORDER, "what comes first")];
}

function operators(key: string, { keys }: Language): Completion[] {
  const isProperty = key.startsWith("platform.");
  const known = keys.find((each) => each.key === (isProperty ? "platform" : key));
  const all = key === SORT_ORDER ? ["="] : (known?.operators ?? []);
  const joints = known?.type === "boolean" ? [AND, OR] : [];
  return [...joints, ...all.map((operator) => word(operator, OPERATOR_MEANING[operator] ?? ""))];
}

function operands(key: string, language: Language): Completion[] {
  if (key === SORT_ORDER) {
    return language.keys
      .filter(({ sortable }) => sortable)
      .flatMap(({ key, description }) => [word(`${key}(desc)`, "descending"), word(key, description)]);
  }
  const known = language.keys.find((each) => each.key === key);
  const values = [...(known?.values ?? []), ...(EXAMPLES[known?.type ?? ""] ?? []), ...language.seen(key)];
  return [...new Set(values)].map((value) => ({ label: value, detail: "", insert: `${filterValue(value)} ` }));
}

/** Those that begin with what is typed, then those that have it somewhere. */
function matching(options: readonly Completion[], typed: string): Completion[] {
  const wanted = typed.replace(/^["']|["']$/g, "").toLowerCase();
  const begins: Completion[] = [];
  const contains: Completion[] = [];
  for (const option of options) {
    const place = option.label.toLowerCase().indexOf(wanted);
    if (place === 0) begins.push(option);
    else if (place > 0) contains.push(option);
  }
  return [...begins, ...contains].slice(0, MOST_OPTIONS);
}

/** The filter with an option written into it, and where the caret stands then. */
export function complete(
  text: string,
  { from, to }: Completions,
  { insert }: Completion,
): { text: string; caret: number } {
  const rest = text.slice(to).replace(/^\s/, "");
  return { text: text.slice(0, from) + insert + rest, caret: from + insert.length };
}
