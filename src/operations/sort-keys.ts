import { digestKey } from "../base/digests.ts";
import type { SortKey, SortTerm, SortValue } from "./filter-tree.ts";
import type { OperationRecord } from "./record.ts";

/** Everything that ordering and paging know of one sort key. */
export interface SortKeySpec {
  /** One line for people. */
  readonly description: string;
  readonly type: "text" | "number";
  /** True when some operations have no value. */
  readonly nullable: boolean;
  /** The value that the stores order by. Times are milliseconds since the epoch. */
  read(record: OperationRecord): SortValue;
}

function text(description: string, read: SortKeySpec["read"]): SortKeySpec {
  return { description, type: "text", nullable: false, read };
}

function number(description: string, nullable: boolean, read: SortKeySpec["read"]): SortKeySpec {
  return { description, type: "number", nullable, read };
}

/** All keys of `sort_order`. */
export const sortKeys: Readonly<Record<SortKey, SortKeySpec>> = {
  name: text("The operation's id, which is the order of creation", (record) => record.id),
  stage: number("How far the operation is", false, (record) => record.stage),
  queued_time: number("When the job was first queued", false, (record) => record.job.queuedAt),
  start_time: number("When a worker started the job; none before that", true, (record) => record.job.startedAt ?? null),
  completed_time: number("When the operation ended; none before that", true, (record) => record.completedAt ?? null),
  action_digest: text("The action, as `hash/size`", (record) => digestKey(record.job.action)),
  command: text("The arguments, joined by spaces", (record) => record.job.command),
  priority: number("The job's priority; smaller runs earlier", false, (record) => record.job.priority),
};

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
