import { type ParsedFilter, parseFilter } from "./filter-parser.ts";
import type { Condition, Filter, FilterTree, RelativeCondition, WrittenFilter } from "./filter-tree.ts";
import { totalOrder } from "./sort-keys.ts";

/**
 * The filter and the total order that a request means: an empty text stands for `defaultText`, any other text, even one
 * that only sorts, replaces it. `defaultText` is the operator's and should have been parsed once at start.
 */
export function resolveFilter(text: string, defaultText: string): ParsedFilter {
  const asked = parseFilter(text);
  const parsed = asked.hasFilter || asked.order.length > 0 ? asked : parseFilter(defaultText);
  return { ...parsed, order: totalOrder(parsed.order) };
}

/** The filter with the times that are relative to now as they are at `now`. */
export function filterAt(filter: WrittenFilter, now: number): Filter {
  return mapLeaves(filter, (leaf) => {
    if (leaf.kind !== "relative") return leaf;
    const { key, op, offsetMs } = leaf;
    return { kind: "compare", key, op, value: now + offsetMs };
  });
}

/** True when what the filter means depends on the time. */
export function isRelative(filter: WrittenFilter): boolean {
  if (filter.kind === "and" || filter.kind === "or") return filter.terms.some(isRelative);
  return filter.kind === "not" ? isRelative(filter.term) : filter.kind === "relative";
}

function mapLeaves(filter: WrittenFilter, change: (leaf: Condition | RelativeCondition) => Condition): Filter {
  switch (filter.kind) {
    case "and":
    case "or":
      return { kind: filter.kind, terms: filter.terms.map((term): FilterTree<Condition> => mapLeaves(term, change)) };
    case "not":
      return { kind: "not", term: mapLeaves(filter.term, change) };
    default:
      return change(filter);
  }
}
