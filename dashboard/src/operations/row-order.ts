import { type FilterText, sortsOf } from "./filter-text.ts";
import { idOf, type Row } from "./row.ts";

type Value = string | number | boolean | undefined;

/** What each key of `sort_order` goes by. */
const READ: Readonly<Record<string, (row: Row) => Value>> = {
  name: (row) => idOf(row.name),
  stage: (row) => row.stage,
  done: (row) => row.completedAt !== undefined,
  cancelled: (row) => row.cancelled,
  "error.code": (row) => row.errorCode || undefined,
  exit_code: (row) => row.exitCode,
  cached: (row) => row.cached,
  command: (row) => row.command,
  action_digest: (row) => row.action,
  priority: (row) => row.priority,
  attempts: (row) => row.attempts,
  worker: (row) => row.worker || undefined,
  queued_time: (row) => row.queuedAt,
  start_time: (row) => row.startedAt,
  completed_time: (row) => row.completedAt,
  update_time: (row) => row.updatedAt,
  queue_duration: ({ queuedAt, startedAt }) => span(queuedAt, startedAt),
  duration: ({ startedAt, completedAt }) => span(startedAt, completedAt),
  tool_name: (row) => row.tool || undefined,
  tool_version: (row) => row.toolVersion || undefined,
  invocation_id: (row) => row.invocation || undefined,
  correlated_invocations_id: (row) => row.correlated || undefined,
  action_mnemonic: (row) => row.mnemonic || undefined,
  target_id: (row) => row.target || undefined,
  configuration_id: (row) => row.configuration || undefined,
  client_actor: (row) => row.actor || undefined,
  client_subject: (row) => row.subject || undefined,
  client_workflow: (row) => row.workflow || undefined,
};

function span(from: number | undefined, to: number | undefined): number | undefined {
  return from === undefined || to === undefined ? undefined : Math.max(0, to - from);
}

/** What is missing comes first, false before true. */
function compare(a: Value, b: Value): number {
  if (a === b) return 0;
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  return a < b ? -1 : 1;
}

/** Negative when the first row comes before the second. */
export type RowOrder = (a: Row, b: Row) => number;

/** The order that a filter asks for, as docs/filter.md defines it; total, as the name is always its last key. */
export function rowOrder(filter: FilterText): RowOrder {
  const sorts = sortsOf(filter);
  const terms = (sorts.length > 0 ? sorts : [{ key: "queued_time", descending: false }]).flatMap(
    ({ key, descending }) => {
      const read = READ[key];
      return read ? [{ read, sign: descending ? -1 : 1 }] : [];
    },
  );
  return (a, b) => {
    for (const { read, sign } of terms) {
      const difference = compare(read(a), read(b));
      if (difference !== 0) return sign * difference;
    }
    return compare(idOf(a.name), idOf(b.name)) || compare(a.name, b.name);
  };
}

/** Where a row is, or would be, among rows in order. */
export function placeOf(rows: readonly Row[], row: Row, order: RowOrder): number {
  const last = rows.at(-1);
  if (last === undefined || order(last, row) < 0) return rows.length;
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (order(rows[middle] as Row, row) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
