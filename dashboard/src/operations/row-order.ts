import { ExecutionStage_Value } from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type FilterText, sortsOf } from "./filter-text.ts";
import { idOf, type Row } from "./row.ts";

type Value = string | number | boolean | undefined;

/** What each key of `sort_order` goes by. */
const READ: Readonly<Record<string, (row: Row) => Value>> = {
  name: (row) => idOf(row.name),
  stage: (row) => row.stage,
  done: (row) => row.stage === ExecutionStage_Value.COMPLETED,
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
  queue_duration: ({ queuedAt, startedAt }) => startedAt && Math.max(0, startedAt - (queuedAt ?? startedAt)),
  duration: ({ startedAt, completedAt }) => span(startedAt, completedAt),
  tool_name: (row) => (row.told ? row.tool : undefined),
  tool_version: (row) => (row.told ? row.toolVersion : undefined),
  invocation_id: (row) => (row.told ? row.invocation : undefined),
  correlated_invocations_id: (row) => (row.told ? row.correlated : undefined),
  action_mnemonic: (row) => (row.told ? row.mnemonic : undefined),
  target_id: (row) => (row.told ? row.target : undefined),
  configuration_id: (row) => (row.told ? row.configuration : undefined),
  client_actor: (row) => row.actor || undefined,
  client_subject: (row) => row.subject || undefined,
  client_workflow: (row) => row.workflow || undefined,
};

function span(from: number | undefined, to: number | undefined): number | undefined {
  return from === undefined || to === undefined || to < from ? undefined : to - from;
}

/** What is missing comes first, false before true. */
function compare(a: Value, b: Value): number {
  if (a === b) return 0;
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  return a < b ? -1 : 1;
}

const FIRST_SURROGATE = 0xd800;
const AFTER_SURROGATES = 0xe000;

/** The order of texts by their UTF-8 bytes, which is not that of UTF-16: surrogates come after all other code units. */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return x >= FIRST_SURROGATE && y >= FIRST_SURROGATE ? rank(x) - rank(y) : x - y;
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit < AFTER_SURROGATES ? unit + 0x10000 : unit;
}

/** Negative when the first row comes before the second. */
export type RowOrder = (a: Row, b: Row) => number;

/** The order that a filter asks for, as docs/filter.md defines it; total, as the name is always its last key. */
export function rowOrder(filter: FilterText): RowOrder {
  const sorts = sortsOf(filter);
  const terms = (sorts.length > 0 ? sorts : [{ key: "queued_time", descending: false }]).flatMap(
    ({ key, descending }) => {
      const read = Object.hasOwn(READ, key) ? READ[key] : undefined;
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
