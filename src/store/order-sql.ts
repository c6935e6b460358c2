import type { SortValue } from "../operations/operations.ts";

/** A statement in the making. */
export interface Draft {
  /** Adds a parameter and answers what stands for it in the text. Call it in the order of the text. */
  bind(value: SortValue): string;
}

/** One criterion of an order, as a statement has it. */
export interface SortColumn {
  readonly sql: string;
  /** False also where the statement has left out the rows that have no value. */
  readonly nullable: boolean;
  readonly descending: boolean;
}

/** The condition that a row comes strictly after the one with these values. */
export function afterSql(order: readonly SortColumn[], after: readonly SortValue[], draft: Draft): string {
  return isTuple(order) ? afterTuple(order, after, draft) : afterTerms(order, after, draft);
}

/** True when the order is that of a tuple of one table: the exact place in an index can then be sought. */
function isTuple(order: readonly SortColumn[]): boolean {
  const [first] = order;
  return order.every(
    ({ sql, nullable, descending }) => !nullable && descending === first?.descending && sql.startsWith("o."),
  );
}

function afterTuple(order: readonly SortColumn[], after: readonly SortValue[], draft: Draft): string {
  const names = order.map(({ sql }) => sql).join(", ");
  const values = after.map((value) => draft.bind(value)).join(", ");
  return `(${names}) ${order[0]?.descending ? "<" : ">"} (${values})`;
}

/**
 * Term by term: the first one lies beyond its value, or equals it and the rest decides. "Not before, and (beyond or rest)"
 * says that with a range on the first term which an index can seek to.
 */
function afterTerms(order: readonly SortColumn[], after: readonly SortValue[], draft: Draft): string {
  const [term, ...terms] = order;
  const [value = null, ...values] = after;
  if (!term) return "FALSE";
  const { sql, nullable, descending } = term;
  const rest = () => afterTerms(terms, values, draft);
  if (value === null) return descending ? `(${sql} IS NULL AND ${rest()})` : `(${sql} IS NOT NULL OR ${rest()})`;
  if (!descending) return `(${sql} >= ${draft.bind(value)} AND (${sql} > ${draft.bind(value)} OR ${rest()}))`;
  const orNull = nullable ? ` OR ${sql} IS NULL` : "";
  return `((${sql} <= ${draft.bind(value)}${orNull}) AND (${sql} < ${draft.bind(value)}${orNull} OR ${rest()}))`;
}
