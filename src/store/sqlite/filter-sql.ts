import {
  type Comparison,
  type Condition,
  type Filter,
  type FilterKey,
  scalarKeys,
  type TextTest,
} from "../../operations/operations.ts";
import { columnOf } from "./columns.ts";
import type { ListDraft } from "./list-draft.ts";

/**
 * The condition on an operation `o` and its job `j` that a filter stands for. Where the filter is false it is false or
 * NULL, which is the same to WHERE, AND and OR; NOT is made of what tells them from true.
 */
export function filterSql(filter: Filter, draft: ListDraft): string {
  switch (filter.kind) {
    case "and":
      return joined(filter.terms, " AND ", draft);
    case "or":
      return joined(filter.terms, " OR ", draft);
    case "not":
      return `(${filterSql(filter.term, draft)}) IS NOT TRUE`;
    default:
      return conditionSql(filter, draft);
  }
}

/** A comparison of an expression with a parameter. */
export function comparisonSql(sql: string, op: Comparison, value: string | number, draft: ListDraft): string {
  return `${sql} ${op === "!=" ? "<>" : op} ${draft.bind(value)}`;
}

function joined(terms: readonly Filter[], joint: string, draft: ListDraft): string {
  return terms.length === 0 ? "1" : terms.map((term) => `(${filterSql(term, draft)})`).join(joint);
}

function conditionSql(condition: Condition, draft: ListDraft): string {
  switch (condition.kind) {
    case "compare":
      return comparisonSql(columnOf(condition.key).sql, condition.op, condition.value, draft);
    case "like":
      return likeSql(columnOf(condition.key).sql, condition.op, condition.pieces, draft);
    case "has":
      return hasSql(condition.key, draft);
    case "property":
      return propertySql(condition.name, condition.test, draft);
  }
}

function likeSql(sql: string, op: "=" | "!=", pieces: readonly string[], draft: ListDraft): string {
  const [first, middle = "", last] = pieces;
  // Not a constant for what is never true: SQLite would drop the rest, with what it needs to use a partial index.
  if (pieces.every((piece) => piece === "")) return op === "=" ? `${sql} IS NOT NULL` : `${sql} <> ${sql}`;
  if (pieces.length === 3 && first === "" && last === "") {
    return `instr(${sql}, ${draft.bind(middle)}) ${op === "=" ? ">" : "="} 0`;
  }
  // GLOB ends at a NUL, which the value of a property may have and a pattern never has.
  return `replace(${sql}, char(0), char(1)) ${op === "=" ? "" : "NOT "}GLOB ${draft.bind(globOf(pieces))}`;
}

function globOf(pieces: readonly string[]): string {
  return pieces.map((piece) => piece.replace(/[*?[]/g, "[$&]")).join("*");
}

function hasSql(key: FilterKey, draft: ListDraft): string {
  if (key === "platform") {
    return `j.platform_id IN (SELECT id FROM platforms WHERE instance = ${draft.bind(draft.instance)} AND properties <> '[]')`;
  }
  const { sql } = columnOf(key);
  return scalarKeys[key].type.name === "text" ? `${sql} > ''` : `${sql} IS NOT NULL`;
}

/** Platforms are few: those that fit are found first, once for a statement. */
function propertySql(name: string, test: TextTest, draft: ListDraft): string {
  const instance = draft.bind(draft.instance);
  const isName = comparisonSql("e.value ->> 0", "=", name, draft);
  const passes =
    test.kind === "compare"
      ? comparisonSql("e.value ->> 1", test.op, test.value, draft)
      : likeSql("(e.value ->> 1)", test.op, test.pieces, draft);
  return `j.platform_id IN (SELECT p.id FROM platforms p, json_each(p.properties) e
    WHERE p.instance = ${instance} AND ${isName} AND ${passes})`;
}
