import type { OperationQuery } from "../../operations/operations.ts";
import { afterSql, type SortColumn } from "../order-sql.ts";
import { OPERATION_COLUMNS } from "../rows.ts";
import type { SqlValue } from "./connection.ts";
import { filterSql } from "./filter-sql.ts";
import { OPERATION_JOINS } from "./joins.ts";
import { createListDraft, type ListDraft } from "./list-draft.ts";
import { type ListSegment, segmentsOf } from "./list-segments.ts";

/** A statement whose rows are OperationRows. */
export interface ListStatement {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

/** How to answer a query. */
export interface ListStatements {
  /** Visits few rows, and has answered the query if it gives as many as were asked for. */
  readonly head: ListStatement | undefined;
  readonly whole: ListStatement;
  /** True when the whole visits rows that are not in the answer, so that its cost may grow with the table. */
  readonly scans: boolean;
}

/** How many rows the head looks at beside those that it may answer. */
const WALK = 1000;

/** Compiles a query. */
export function listSql(query: OperationQuery): ListStatements {
  const { after, order } = query;
  if (after && after.length !== order.length) {
    throw new Error(`${after.length} sort values for ${order.length} sort terms`);
  }
  const segments = segmentsOf(query);
  const [first] = segments;
  const direct = segments.length === 1 && first?.ordered === true && first.residual.length === 0;
  const withHead = first?.ordered && !direct;
  return {
    head: withHead ? statement(query, (draft) => headSql(first, query.limit, draft)) : undefined,
    whole: statement(query, (draft) => wholeSql(segments, query.limit, draft)),
    scans: !direct,
  };
}

/**
 * The page is found first, by rowid, so that a sort never carries whole rows. SQLite leaves out the join with jobs when
 * nothing uses it, and CROSS JOIN keeps the order of the page.
 */
function statement({ instance }: OperationQuery, pageSql: (draft: ListDraft) => string): ListStatement {
  const draft = createListDraft(instance);
  const sql = `
    SELECT ${OPERATION_COLUMNS} FROM (${pageSql(draft)}) page
    CROSS JOIN operations o ON o.rowid = page.operation ${OPERATION_JOINS}`;
  return { sql, params: draft.params };
}

function wholeSql(segments: readonly ListSegment[], limit: number, draft: ListDraft): string {
  const [first, ...rest] = segments;
  if (!first) return "SELECT 0 AS operation WHERE 0";
  const sql = segmentSql(first, limit, draft);
  if (rest.length === 0) return sql;
  const more = rest.map((segment) => ` UNION ALL SELECT * FROM (${segmentSql(segment, limit, draft)})`);
  return `SELECT * FROM (${sql})${more.join("")} LIMIT ${draft.bind(limit)}`;
}

function segmentSql(segment: ListSegment, limit: number, draft: ListDraft): string {
  return `
    SELECT o.rowid AS operation FROM ${segment.path.from}
    WHERE ${[...seekSql(segment, draft), ...residualSql(segment, draft)].join(" AND ")}
    ORDER BY ${orderSql(segment.order)} LIMIT ${draft.bind(limit)}`;
}

/** Walks along the index for a bounded time and keeps what passes the rest of the filter. */
function headSql(segment: ListSegment, limit: number, draft: ListDraft): string {
  if (segment.residual.length === 0) return segmentSql(segment, limit, draft);
  const walk = segmentSql({ ...segment, residual: [] }, limit + WALK, draft);
  return `
    SELECT o.rowid AS operation FROM (${walk}) walk
    CROSS JOIN operations o ON o.rowid = walk.operation LEFT JOIN jobs j ON j.id = o.job_id
    WHERE ${residualSql(segment, draft).join(" AND ")} LIMIT ${draft.bind(limit)}`;
}

function seekSql({ path, seeks, order, after }: ListSegment, draft: ListDraft): string[] {
  const conditions = [`${path.table}.instance = ${draft.bind(draft.instance)}`];
  for (const seek of seeks) conditions.push(seek(draft));
  if (after) conditions.push(afterSql(order, after, draft));
  return conditions;
}

function residualSql({ residual }: ListSegment, draft: ListDraft): string[] {
  return residual.map((filter) => `(${filterSql(filter, draft)})`);
}

/** SQLite sorts nulls before all values when ascending, as the contract of the store has it. */
function orderSql(order: readonly SortColumn[]): string {
  return order.map(({ sql, descending }) => `${sql} ${descending ? "DESC" : "ASC"}`).join(", ");
}
