import type { OperationQuery } from "../../operations/operations.ts";
import type { SqlValue } from "./connection.ts";
import { filterSql } from "./filter-sql.ts";
import { createListDraft } from "./list-draft.ts";
import { afterSql, orderSql } from "./order-sql.ts";
import { OPERATION_COLUMNS, OPERATION_JOINS } from "./rows.ts";

/** A statement whose rows are OperationRows. */
export interface ListStatement {
  readonly sql: string;
  readonly params: readonly SqlValue[];
  /** True when its cost grows with the table. */
  readonly scans: boolean;
}

/** Compiles a query. */
export function listSql(query: OperationQuery): ListStatement {
  const draft = createListDraft(query.order[0]?.key ?? "name");
  const conditions = [`o.instance = ${draft.bind(query.instance)}`, `(${filterSql(query.filter, draft)})`];
  if (query.after) conditions.push(afterSql(query.order, query.after, draft));
  const order = orderSql(query.order, draft);
  // The page is found first, by rowid, so that a sort never carries whole rows. SQLite leaves out the join with jobs when
  // nothing uses it, and CROSS JOIN keeps the order of the page.
  const sql = `
    SELECT ${OPERATION_COLUMNS} FROM (
      SELECT o.rowid AS operation FROM operations o LEFT JOIN jobs j ON j.id = o.job_id
      WHERE ${conditions.join(" AND ")} ORDER BY ${order} LIMIT ${draft.bind(query.limit)}
    ) page CROSS JOIN operations o ON o.rowid = page.operation ${OPERATION_JOINS}`;
  return { sql, params: draft.params, scans: draft.scans };
}
