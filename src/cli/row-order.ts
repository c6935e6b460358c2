import type { FilterFlags } from "./filter-flags.ts";
import type { Row } from "./operation-row.ts";
import { ranMs, waitedMs } from "./summary.ts";

/** A row and its place among all that came. */
export interface PlacedRow extends Row {
  readonly place: number;
  /** When it ended, as near as is known; undefined while it runs. */
  readonly endedAt: number | undefined;
}

/** Negative when the first row comes before the second. */
export type RowOrder = (a: PlacedRow, b: PlacedRow) => number;

type Key = (row: PlacedRow) => string | number | undefined;

const STAGES = ["UNKNOWN", "CACHE_CHECK", "QUEUED", "EXECUTING", "COMPLETED"];

/** The sort keys of the filter language whose values are in a row. */
const KEYS: ReadonlyMap<string, Key> = new Map<string, Key>([
  ["name", ({ name }) => name.slice(name.lastIndexOf("/") + 1)],
  ["stage", ({ stage }) => STAGES.indexOf(stage)],
  ["done", ({ exitCode }) => Number(exitCode !== undefined)],
  ["queued_time", ({ queuedAt }) => queuedAt],
  ["start_time", ({ startedAt }) => startedAt],
  ["completed_time", ({ endedAt }) => endedAt],
  ["queue_duration", (row) => (row.startedAt === undefined ? undefined : waitedMs(row, 0))],
  ["duration", (row) => (row.completedAt === undefined ? undefined : ranMs(row, 0))],
  ["worker", ({ worker }) => worker || undefined],
]);

const TERM = /^\s*([a-z_.]+)\s*(?:\(\s*(asc|desc)\s*\))?\s*$/;

function ordered(key: Key, sign: number): RowOrder {
  return (rowA, rowB) => {
    const [a, b] = [key(rowA), key(rowB)];
    if (a === b) return 0;
    if (a === undefined || b === undefined) return a === undefined ? -sign : sign;
    return a < b ? -sign : sign;
  };
}

/**
 * The order that the server has for the same flags, as far as a row tells: a key that is not in it, and all after that,
 * leave rows in the order in which they came.
 */
export function rowOrder({ filter = "", sort = [] }: FilterFlags): RowOrder {
  const terms = sort.length > 0 ? sort : filter.includes("sort_order") ? [] : ["queued_time"];
  const orders: RowOrder[] = [];
  for (const term of terms) {
    const [, name = "", direction] = TERM.exec(term) ?? [];
    const key = KEYS.get(name);
    if (!key) break;
    orders.push(ordered(key, direction === "desc" ? -1 : 1));
  }
  return (a, b) => {
    for (const order of orders) {
      const sign = order(a, b);
      if (sign !== 0) return sign;
    }
    return a.place - b.place;
  };
}

/** Where a row belongs among rows that are in order. */
function placeFor(row: PlacedRow, rows: readonly PlacedRow[], order: RowOrder): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = rows[middle];
    if (other && order(other, row) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first `count` rows in an order, without sorting the others. */
export function firstRows(rows: Iterable<PlacedRow>, order: RowOrder, count: number): PlacedRow[] {
  const first: PlacedRow[] = [];
  for (const row of rows) {
    const last = first.at(-1);
    if (first.length >= count && (!last || order(row, last) > 0)) continue;
    first.splice(placeFor(row, first, order), 0, row);
    if (first.length > count) first.pop();
  }
  return first;
}
