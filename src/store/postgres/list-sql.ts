import type { OperationQuery, SortTerm } from "../../operations/operations.ts";
import { afterSql, type SortColumn } from "../order-sql.ts";
import { OPERATION_COLUMNS } from "../rows.ts";
import { filterParts } from "../stage-sets.ts";
import { COMPLETED } from "../stages.ts";
import { columnOf } from "./columns.ts";
import { filterSql } from "./filter-sql.ts";
import { OPERATION_JOINS } from "./joins.ts";
import { createListDraft, type ListDraft } from "./list-draft.ts";
import type { Param } from "./statement.ts";

/** A statement whose rows are OperationRows. */
export interface ListStatement {
  readonly text: string;
  readonly params: readonly Param[];
}

/**
 * Compiles a query. The planner chooses the index, by what it knows of the table; the text says the stages in the words of
 * the indexes. The page is found first, by key, so that a sort never carries whole rows.
 */
export function listSql({ instance, filter, order, after, limit }: OperationQuery): ListStatement {
  if (after && after.length !== order.length) {
    throw new Error(`${after.length} sort values for ${order.length} sort terms`);
  }
  const draft = createListDraft(instance);
  const { terms, stageTerms, stages } = filterParts(filter);
  const conditions = [
    `o.instance = ${draft.instance}`,
    ...stageSql(stages),
    ...terms.filter((term) => !stageTerms.includes(term)).map((term) => `(${filterSql(term, draft)})`),
  ];
  const hasEnded = stages.every((stage) => stage === COMPLETED);
  const columns = order.map((term) => sortColumn(term, hasEnded));
  if (after) conditions.push(afterSql(columns, after, draft));
  const page = pageSql(conditions.join(" AND "), orderSql(order), limit, draft);
  const text = `
    SELECT ${OPERATION_COLUMNS} FROM (SELECT *, row_number() OVER () AS place FROM (${page}) found) page
    JOIN operations o ON o.instance = ${draft.instance} AND o.id = page.id ${OPERATION_JOINS}
    ORDER BY page.place`;
  return { text, params: draft.params };
}

function pageSql(where: string, orderBy: string, limit: number, draft: ListDraft): string {
  // With the instance in it the indexes of jobs can be used; without any job it need not be joined at all.
  const join = /\bj\./.test(`${where} ${orderBy}`) ? "JOIN jobs j ON j.id = o.job_id AND j.instance = o.instance" : "";
  return `SELECT o.id FROM operations o ${join} WHERE ${where} ORDER BY ${orderBy} LIMIT ${draft.bind(limit)}`;
}

function stageSql(stages: readonly number[]): string[] {
  if (stages.length === 0) return ["FALSE"];
  if (stages.length === 1) return [`o.stage = ${stages[0]}`];
  if (!stages.includes(COMPLETED)) return ["o.completed_at IS NULL"];
  return stages.length === 2 ? [`o.stage IN (${stages.join(", ")})`] : [];
}

function sortColumn({ key, descending }: SortTerm, hasEnded: boolean): SortColumn {
  const { sql, nullable } = columnOf(key);
  return { sql, nullable: nullable && !(hasEnded && key === "completed_time"), descending };
}

/** Nulls before all values when ascending, in so many words only where there may be some: as the indexes are. */
function orderSql(order: readonly SortTerm[]): string {
  const terms = order.map(({ key, descending }) => {
    const { sql, nullable } = columnOf(key);
    const nulls = nullable ? (descending ? " NULLS LAST" : " NULLS FIRST") : "";
    return `${sql} ${descending ? "DESC" : "ASC"}${nulls}`;
  });
  return terms.join(", ");
}
