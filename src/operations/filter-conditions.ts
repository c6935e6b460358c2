import { nearest } from "../base/nearest.ts";
import { filterError, quoted } from "./filter-error.ts";
import { filterKeys, type WrittenOperator } from "./filter-keys.ts";
import type { ValueToken } from "./filter-lexer.ts";
import type { Comparison, Condition, RelativeCondition, ScalarKey, TextTest } from "./filter-tree.ts";
import { parseRelativeTime } from "./filter-values.ts";

/** An operator and the value after it, as they stand in a filter. */
export interface WrittenTest {
  readonly text: string;
  readonly operator: WrittenOperator;
  readonly value: ValueToken;
}

/** Means what a key, an operator and a value say. INVALID_ARGUMENT, at the value, where they say nothing. */
export function scalarCondition(key: ScalarKey, test: WrittenTest): Condition | RelativeCondition {
  const { operator, value } = test;
  const { type, contains } = filterKeys[key];
  if (operator === ":" && isAny(value.pieces)) return { kind: "has", key };
  if (type.name !== "text") return typedCondition(key, test);
  const anywhere = operator === ":" || (contains && (operator === "=" || operator === "!="));
  const pieces = anywhere ? unanchored(value.pieces) : value.pieces;
  const { kind, ...rest } = textTest({ ...test, value: { ...value, pieces } });
  if (kind === "compare") return typedCondition(key, test);
  return { kind, key, ...rest } as Condition;
}

/** Means what `platform OPERATOR name:value` says. */
export function platformCondition(test: WrittenTest): Condition {
  const { text, operator, value } = test;
  const [first = "", ...rest] = value.pieces;
  if (operator === ":" && isAny(value.pieces)) return { kind: "has", key: "platform" };
  const colon = first.indexOf(":");
  const name = colon < 0 ? first : first.slice(0, colon);
  if (name === "" || (colon < 0 && (operator !== ":" || rest.length > 0))) {
    throw noValue(test, "platform", filterKeys.platform.type.expects);
  }
  if (colon < 0) return { kind: "property", name, test: { kind: "like", op: "=", pieces: ["", ""] } };
  return propertyCondition(name, { text, operator, value: { ...value, pieces: [first.slice(colon + 1), ...rest] } });
}

/** Means what `platform.NAME OPERATOR value` says. */
export function propertyCondition(name: string, test: WrittenTest): Condition {
  return { kind: "property", name, test: textTest(test) };
}

function typedCondition(key: ScalarKey, test: WrittenTest): Condition | RelativeCondition {
  const { type } = filterKeys[key];
  const word = wordOf(test);
  const op = comparisonOf(test.operator);
  const offsetMs = type.name === "time" ? parseRelativeTime(word) : undefined;
  if (offsetMs !== undefined) return { kind: "relative", key, op, offsetMs };
  const value = test.value.pieces.length === 1 ? type.parse(word) : undefined;
  if (value === undefined) throw noValue(test, key, type.expects, type.values);
  return { kind: "compare", key, op, value };
}

function textTest(test: WrittenTest): TextTest {
  const [only = "", ...rest] = test.value.pieces;
  const op = comparisonOf(test.operator);
  if (rest.length === 0) return { kind: "compare", op, value: only };
  if (op === "=" || op === "!=") return { kind: "like", op, pieces: test.value.pieces };
  throw filterError(test.text, test.value.start, `a value with * can only be used with = != :, not with ${op}`);
}

function comparisonOf(operator: WrittenOperator): Comparison {
  return operator === ":" ? "=" : operator;
}

/** True for a lone wildcard. */
function isAny(pieces: readonly string[]): boolean {
  return pieces.length === 2 && pieces.every((piece) => piece === "");
}

/** The same pieces with anything before and after them. */
function unanchored(pieces: readonly string[]): readonly string[] {
  if (pieces.length === 1 && pieces[0] === "") return ["", ""];
  return [...(pieces[0] === "" ? [] : [""]), ...pieces, ...(pieces.at(-1) === "" ? [] : [""])];
}

function wordOf({ value }: WrittenTest): string {
  return value.pieces.join("*");
}

function noValue(test: WrittenTest, key: string, expects: string, values: readonly string[] = []): Error {
  const word = wordOf(test);
  const guess = nearest(word, values);
  const hint = guess ? `did you mean ${guess}?` : `expected ${expects}`;
  return filterError(test.text, test.value.start, `${quoted(word)} is no value of ${key}; ${hint}`);
}
