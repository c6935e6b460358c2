import type { SortKey, SortTerm, SortValue } from "../../operations/operations.ts";
import type { ListDraft } from "./list-draft.ts";

interface SortColumn {
  readonly sql: string;
  readonly nullable: boolean;
  /** True when an index gives the rows of an instance in this order. */
  readonly indexed: boolean;
}

/** One entry for each sort key. */
const columns: Readonly<Record<SortKey, SortColumn>> = {
  name: { sql: "o.id", nullable: false, indexed: true },
  stage: { sql: "o.stage", nullable: false, indexed: false },
  queued_time: { sql: "o.queued_at", nullable: false, indexed: true },
  start_time: { sql: "j.started_at", nullable: true, indexed: false },
  completed_time: { sql: "o.completed_at", nullable: true, indexed: true },
  action_digest: { sql: "j.action_digest", nullable: false, indexed: false },
  command: { sql: "j.command", nullable: false, indexed: false },
  priority: { sql: "j.priority", nullable: false, indexed: false },
};

/** The ORDER BY list. SQLite sorts nulls before all values when ascending, as the contract of the store has it. */
export function orderSql(order: readonly SortTerm[], draft: ListDraft): string {
  const [first] = order;
  if (first && !columns[first.key].indexed) draft.noteScan();
  return order.map(({ key, descending }) => `${columns[key].sql} ${descending ? "DESC" : "ASC"}`).join(", ");
}

/** The condition that a row comes strictly after the one with these values. */
export function afterSql(order: readonly SortTerm[], after: readonly SortValue[], draft: ListDraft): string {
  if (after.length !== order.length) throw new Error(`${after.length} sort values for ${order.length} sort terms`);
  if (skipsNulls(order[0], after[0])) draft.noteScan();
  return isPlain(order) ? afterRow(order, after, draft) : afterTerms(order, after, draft);
}

/** True when the order is that of a tuple: SQLite then seeks the exact place in an index. */
function isPlain(order: readonly SortTerm[]): boolean {
  return order.every(({ key, descending }) => !columns[key].nullable && descending === order[0]?.descending);
}

/** True when the rows after the value lie on both sides of it in the index, as nulls come first there. */
function skipsNulls(term: SortTerm | undefined, value: SortValue | undefined): boolean {
  return term !== undefined && columns[term.key].nullable && term.descending === (value !== null);
}

function afterRow(order: readonly SortTerm[], after: readonly SortValue[], draft: ListDraft): string {
  const names = order.map(({ key }) => columns[key].sql).join(", ");
  const values = after.map((value) => draft.bind(value)).join(", ");
  return `(${names}) ${order[0]?.descending ? "<" : ">"} (${values})`;
}

/**
 * Term by term: the first one lies beyond its value, or equals it and the rest decides. "Not before, and (beyond or rest)"
 * says that with a range on the first term which an index can seek to.
 */
function afterTerms(order: readonly SortTerm[], after: readonly SortValue[], draft: ListDraft): string {
  const [term, ...terms] = order;
  const [value = null, ...values] = after;
  if (!term) return "0";
  const { sql, nullable } = columns[term.key];
  const rest = () => afterTerms(terms, values, draft);
  if (value === null) return term.descending ? `(${sql} IS NULL AND ${rest()})` : `(${sql} IS NOT NULL OR ${rest()})`;
  if (!term.descending) return `(${sql} >= ${draft.bind(value)} AND (${sql} > ${draft.bind(value)} OR ${rest()}))`;
  const orNull = nullable ? ` OR ${sql} IS NULL` : "";
  return `((${sql} <= ${draft.bind(value)}${orNull}) AND (${sql} < ${draft.bind(value)}${orNull} OR ${rest()}))`;
}
