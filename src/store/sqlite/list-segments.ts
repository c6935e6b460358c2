import {
  compareText,
  type Filter,
  type OperationQuery,
  type SortTerm,
  type SortValue,
} from "../../operations/operations.ts";
import type { SortColumn } from "../order-sql.ts";
import { type FilterParts, filterParts } from "../stage-sets.ts";
import { COMPLETED } from "../stages.ts";
import { columnOf } from "./columns.ts";
import { comparisonSql } from "./filter-sql.ts";
import {
  type Comparison,
  choosePath,
  completedPath,
  isComparison,
  type ListPath,
  livePath,
  type Seek,
} from "./list-path.ts";

/** Rows of a list that follow one another: those of one path. */
export interface ListSegment {
  readonly path: ListPath;
  readonly seeks: readonly Seek[];
  /** What the path does not answer. */
  readonly residual: readonly Filter[];
  readonly order: readonly SortColumn[];
  readonly after: readonly SortValue[] | undefined;
  /** True when the path gives the rows in the order of its first column. */
  readonly ordered: boolean;
}

/**
 * The segments of a list, in their order. There are two where the order is by the time of completion: an index has the rows
 * without one in an order of their own.
 */
export function segmentsOf(query: OperationQuery): ListSegment[] {
  const parts = filterParts(query.filter);
  const path = choosePath(query, parts);
  const chosenByStage = path.answered.every((term) => parts.stageTerms.includes(term));
  if (query.order[0]?.key === "completed_time" && chosenByStage) return byCompletion(query, parts);
  return [segment(query, parts, path)];
}

function byCompletion(query: OperationQuery, parts: FilterParts): ListSegment[] {
  const { order, after } = query;
  const [first] = order;
  const cursor = after?.[0];
  const ended: ListSegment[] = [];
  // Where the cursor has no value the rows with one come after it when ascending, and were all before it when descending.
  if (parts.stages.includes(COMPLETED) && !(first?.descending && cursor === null)) {
    ended.push(segment({ ...query, after: cursor === null ? undefined : after }, parts, completedPath(parts)));
  }
  const live: ListSegment[] = [];
  const mayLive =
    parts.stages.some((stage) => stage !== COMPLETED) &&
    !parts.terms.some((term) => isComparison(term, "completed_time"));
  if (mayLive && (first?.descending || cursor === undefined || cursor === null)) {
    const rest = { ...query, order: order.slice(1), after: cursor === null ? after?.slice(1) : undefined };
    live.push(segment(rest, parts, livePath(parts)));
  }
  return first?.descending ? [...ended, ...live] : [...live, ...ended];
}

function segment({ order, after }: OperationQuery, { terms }: FilterParts, path: ListPath): ListSegment {
  const { next } = path;
  const [first] = order;
  const single = next === undefined;
  const ordered = single || (first !== undefined && first.key === next.key);
  const ranges = terms.filter((term) => isRangeOf(term, next));
  const answered = new Set<Filter>([...path.answered, ...ranges]);
  const seeks = [...path.seeks];
  if (next) seeks.push(...rangeSeeks(ranges, next.sql, ordered && after ? first : undefined));
  // Any comparison leaves out the rows without a value.
  if (next?.key === "completed_time" && ranges.length === 0 && !(ordered && after)) {
    seeks.push(() => "o.completed_at IS NOT NULL");
  }
  return {
    path,
    seeks,
    residual: terms.filter((term) => !answered.has(term)),
    order: order.map((term) => sortColumn(term, next)),
    after,
    ordered,
  };
}

function sortColumn({ key, descending }: SortTerm, next: ListPath["next"]): SortColumn {
  const { sql, nullable } = columnOf(key);
  if (key !== next?.key) return { sql, nullable, descending };
  return { sql: next.sql, nullable: false, descending };
}

function isRangeOf(term: Filter, next: ListPath["next"]): term is Comparison {
  return next !== undefined && isComparison(term, next.key) && term.op !== "!=";
}

/**
 * An index is sought by one lower and one upper bound, and SQLite takes any that it finds: so only the tightest are left
 * for it to see, and none where the cursor of a later page is a tighter one.
 */
function rangeSeeks(ranges: readonly Comparison[], sql: string, cursor: SortTerm | undefined): Seek[] {
  const tightest = new Set<Comparison>();
  const lower = ranges.filter(({ op }) => op !== "<" && op !== "<=").sort((a, b) => compareValues(b.value, a.value));
  const upper = ranges.filter(({ op }) => op === "<" || op === "<=").sort((a, b) => compareValues(a.value, b.value));
  if (lower[0] && cursor?.descending !== false) tightest.add(lower[0]);
  if (upper[0] && cursor?.descending !== true) tightest.add(upper[0]);
  return ranges.map((range) => (draft) => {
    return comparisonSql(tightest.has(range) ? sql : `+${sql}`, range.op, range.value, draft);
  });
}

function compareValues(a: string | number, b: string | number): number {
  return typeof a === "string" ? compareText(a, String(b)) : a - Number(b);
}
