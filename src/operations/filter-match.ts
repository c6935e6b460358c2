import { filterKeys } from "./filter-keys.ts";
import type { Comparison, Filter } from "./filter-tree.ts";
import type { OperationRecord } from "./record.ts";

/** Whether an operation passes a filter: what every store's SQL must mean. */
export function matches(filter: Filter, record: OperationRecord): boolean {
  if (filter.kind === "and") return filter.terms.every((term) => matches(term, record));
  return holds(filterKeys[filter.key].read(record), filter.op, filter.value);
}

function holds(actual: string | number, op: Comparison, wanted: string | number): boolean {
  switch (op) {
    case "=":
      return actual === wanted;
    case "!=":
      return actual !== wanted;
    case "<":
      return actual < wanted;
    case "<=":
      return actual <= wanted;
    case ">":
      return actual > wanted;
    case ">=":
      return actual >= wanted;
  }
}
