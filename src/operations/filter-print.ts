import { filterKeys } from "./filter-keys.ts";
import { type ParsedFilter, SORT_ORDER } from "./filter-parser.ts";
import type { TextTest, WrittenFilter } from "./filter-tree.ts";
import { printRelativeTime } from "./filter-values.ts";

const BARE = /^[A-Za-z0-9_.:+/-]+$/;
const SPECIAL = /["\\*\p{C}\p{Zl}\p{Zp}]/gu;

/** The canonical text of a parsed filter; parsing it gives the same again. */
export function printFilter({ filter, order }: Pick<ParsedFilter, "filter" | "order">): string {
  const sorts = order.map((term) => `${SORT_ORDER} = ${term.key}(${term.descending ? "desc" : "asc"})`);
  if (filter.kind !== "and" && sorts.length === 0) return print(filter);
  const terms = filter.kind === "and" ? filter.terms : [filter];
  return [...terms.map(printOperand), ...sorts].join(" AND ");
}

/** Parentheses around whatever joins, though OR inside of AND could do without, as not everybody knows. */
function printOperand(filter: WrittenFilter): string {
  return filter.kind === "and" || filter.kind === "or" ? `(${print(filter)})` : print(filter);
}

function print(filter: WrittenFilter): string {
  switch (filter.kind) {
    case "and":
      return filter.terms.map(printOperand).join(" AND ");
    case "or":
      return filter.terms.map(printOperand).join(" OR ");
    case "not":
      return `NOT ${printOperand(filter.term)}`;
    case "compare":
      return `${filter.key} ${filter.op} ${quote(filterKeys[filter.key].type.print(filter.value))}`;
    case "relative":
      return `${filter.key} ${filter.op} ${printRelativeTime(filter.offsetMs)}`;
    case "like":
      return `${filter.key} ${filter.op} ${pattern(filterKeys[filter.key].contains ? inner(filter.pieces) : filter.pieces)}`;
    case "has":
      return `${filter.key}:*`;
    case "property":
      return `platform ${filter.test.op} ${printProperty(filter.name, filter.test)}`;
  }
}

function printProperty(name: string, test: TextTest): string {
  const [first = "", ...rest] = test.kind === "like" ? test.pieces : [test.value];
  const pieces = [`${name}:${first}`, ...rest];
  return test.kind === "like" ? pattern(pieces) : quote(pieces.join(""));
}

/** The pieces of a pattern without the anything before and after them, which the key implies. */
function inner(pieces: readonly string[]): readonly string[] {
  return pieces.length === 2 ? [""] : pieces.slice(1, -1);
}

function pattern(pieces: readonly string[]): string {
  return `"${pieces.map(escaped).join("*")}"`;
}

function quote(text: string): string {
  return BARE.test(text) ? text : `"${escaped(text)}"`;
}

function escaped(text: string): string {
  return text.replace(SPECIAL, (character) =>
    character.length === 1 && character >= " " && character < "\u007f"
      ? `\\${character}`
      : [...character.split("")].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
  );
}
