import { type ScalarKeySpec, scalarKeys } from "./filter-keys.ts";
import type { SortKey, SortTerm, SortValue } from "./filter-tree.ts";
import type { OperationRecord } from "./record.ts";

/** All keys of `sort_order`. */
export const sortKeys = Object.fromEntries(
  Object.entries(scalarKeys).filter(([, { sortable }]) => sortable),
) as unknown as Readonly<Record<SortKey, ScalarKeySpec>>;

/** True for the name of a key that `sort_order` accepts. */
export function isSortKey(word: string): word is SortKey {
  return Object.hasOwn(sortKeys, word);
}

/** What a row is ordered by: one value for each term, null where the row has none. */
export function sortValuesOf(record: OperationRecord, order: readonly SortTerm[]): SortValue[] {
  return order.map((term) => sortKeys[term.key].read(record));
}

const DEFAULT_ORDER: readonly SortTerm[] = [{ key: "queued_time", descending: false }];

/**
 * Makes an order total: the oldest first when none was asked for, a key counts where it stands first, and `name`, which
 * is unique, is always the last term.
 */
export function totalOrder(order: readonly SortTerm[]): SortTerm[] {
  const total: SortTerm[] = [];
  for (const term of order.length > 0 ? order : DEFAULT_ORDER) {
    if (!total.some((earlier) => earlier.key === term.key)) total.push(term);
    if (term.key === "name") return total;
  }
  total.push({ key: "name", descending: false });
  return total;
}
