import type { OperationSummary, WatchOperationsResponse } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { createRows, type Row } from "./row.ts";
import { placeOf, type RowOrder } from "./row-order.ts";

/** Rows by name and in order, as the news of a watch make them. */
export interface Rows {
  /** In order. The same array until all are forgotten, changed as news come. */
  all(): readonly Row[];
  /** Whether more matched than are kept. */
  truncated(): boolean;
  get(name: string): Row | undefined;
  /** How many rows come before one, which need not be among them any more. */
  placeOf(row: Row): number;
  clear(): void;
  apply(news: WatchOperationsResponse): void;
}

/** Keeps the first `limit` rows. */
export function createSortedRows(order: RowOrder, limit: number): Rows {
  const toRow = createRows();
  const byName = new Map<string, Row>();
  let rows: Row[] = [];
  let truncated = false;

  const remove = (name: string) => {
    const row = byName.get(name);
    if (!row) return;
    byName.delete(name);
    rows.splice(placeOf(rows, row, order), 1);
  };
  const put = (summary: OperationSummary) => {
    const row = toRow(summary);
    const before = byName.get(row.name);
    if (before && order(before, row) === 0) {
      rows[placeOf(rows, before, order)] = row;
      byName.set(row.name, row);
      return;
    }
    if (before) remove(row.name);
    // Beyond the last row lie others that were never sent.
    const last = rows.at(-1);
    if (truncated && last && order(last, row) < 0) return;
    rows.splice(placeOf(rows, row, order), 0, row);
    byName.set(row.name, row);
    if (rows.length <= limit) return;
    const dropped = rows.pop();
    if (dropped) byName.delete(dropped.name);
    truncated = true;
  };

  return {
    all: () => rows,
    truncated: () => truncated,
    get: (name) => byName.get(name),
    placeOf: (row) => placeOf(rows, row, order),
    clear: () => {
      byName.clear();
      rows = [];
      truncated = false;
    },
    apply: (news) => {
      for (const { change } of news.changes) {
        if (change.case === "summary") put(change.value);
        else if (change.case === "left" || change.case === "deleted") remove(change.value);
      }
      // What comes with it is among the first ones still.
      truncated ||= news.truncated;
    },
  };
}
