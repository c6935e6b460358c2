import type { Comparison, Condition, Filter, FilterKey, TextTest } from "../../operations/operations.ts";
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

function joined(terms: readonly Filter[], joint: string, draft: ListDraft): string {
  return terms.length === 0 ? "TRUE" : terms.map((term) => `(${filterSql(term, draft)})`).join(joint);
}

function conditionSql(condition: Condition, draft: ListDraft): string {
  switch (condition.kind) {
    case "compare":
      return comparisonSql(columnOf(condition.key).sql, condition.op, condition.value, draft);
    case "like": {
      const { sql, text } = columnOf(condition.key);
      return likeSql(text ? sql : `(${sql})::text`, condition.op, patternOf(condition.pieces), draft);
    }
    case "has":
      return hasSql(condition.key, draft);
    case "property":
      return propertySql(condition.name, condition.test, draft);
  }
}

function comparisonSql(sql: string, op: Comparison, value: string | number | Uint8Array, draft: ListDraft): string {
  return `${sql} ${op === "!=" ? "<>" : op} ${draft.bind(value)}`;
}

function likeSql(sql: string, op: "=" | "!=", pattern: string | Uint8Array, draft: ListDraft): string {
  return `${sql} ${op === "=" ? "" : "NOT "}LIKE ${draft.bind(pattern)}`;
}

function patternOf(pieces: readonly string[]): string {
  return pieces.map((piece) => piece.replace(/[\\%_]/g, "\\$&")).join("%");
}

function hasSql(key: FilterKey, draft: ListDraft): string {
  if (key === "platform") return platformSql("TRUE", draft);
  const { sql, text } = columnOf(key);
  return text ? `${sql} > ''` : `${sql} IS NOT NULL`;
}

/** Properties are compared as bytes, which have the order that texts have here. */
function propertySql(name: string, test: TextTest, draft: ListDraft): string {
  const isName = comparisonSql("e.name", "=", Buffer.from(name), draft);
  const passes =
    test.kind === "compare"
      ? comparisonSql("e.value", test.op, Buffer.from(test.value), draft)
      : likeSql("e.value", test.op, Buffer.from(patternOf(test.pieces)), draft);
  return platformSql(`${isName} AND ${passes}`, draft);
}

/** Platforms are few: those that fit are found first, once for a statement. */
function platformSql(condition: string, draft: ListDraft): string {
  return `j.platform_id IN (SELECT e.platform_id FROM platforms p JOIN platform_properties e ON e.platform_id = p.id
    WHERE p.instance = ${draft.instance} AND ${condition})`;
}
