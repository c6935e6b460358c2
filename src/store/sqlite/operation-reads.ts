import type { DatabaseSync } from "node:sqlite";
import type { OperationQuery, OperationRecord } from "../../operations/operations.ts";
import { toOperation } from "../records.ts";
import { OPERATION_COLUMNS, type OperationRow } from "../rows.ts";
import { COMPLETED } from "../stages.ts";
import type { OperationKey } from "../store.ts";
import { createStatementCache, prepare, type SqlValue } from "./connection.ts";
import { OPERATION_JOINS } from "./joins.ts";
import { createKnownOperations } from "./known-operations.ts";
import { listSql } from "./list-sql.ts";
import type { LongReads } from "./read-thread.ts";
import type { ThreadCalls } from "./thread-calls.ts";

/** Finds one operation with its job. */
export const GET_OPERATION = `
  SELECT ${OPERATION_COLUMNS} FROM operations o ${OPERATION_JOINS} WHERE o.instance = ? AND o.id = ?`;

/** Finds the live operations by way of the live jobs, which all of them have. */
export const LIVE_OPERATIONS = `
  SELECT o.instance, o.id, o.polled FROM jobs j CROSS JOIN operations o ON o.job_id = j.id
  WHERE j.stage < ${COMPLETED} AND o.completed_at IS NULL ORDER BY j.instance, j.queued_at, j.id`;

const LIST_STATEMENTS = 64;

function toOperations(rows: readonly SqlValue[][]): OperationRecord[] {
  return (rows as unknown as OperationRow[]).map(toOperation);
}

/** The questions about operations; those that would keep this thread too long go to another. */
export function operationReads(db: DatabaseSync, longReads: ThreadCalls<LongReads>) {
  const get = prepare<OperationRow>(db, GET_OPERATION);
  const knownOperations = createKnownOperations(db);
  const isPolled = prepare<[polled: number]>(db, "SELECT polled FROM operations WHERE instance = ? AND id = ?");
  const live = prepare<[instance: string, id: string, polled: number]>(db, LIVE_OPERATIONS);
  const prepared = createStatementCache<SqlValue[]>(db, LIST_STATEMENTS);
  return {
    getOperation: (key: OperationKey): OperationRecord | undefined => {
      const known = knownOperations.get(key);
      if (known) return known;
      const row = get.get(key.instance, key.id);
      const record = row && toOperation(row);
      if (record) knownOperations.add(record);
      return record;
    },

    listOperations: async (query: OperationQuery): Promise<OperationRecord[]> => {
      const { head, whole, scans } = listSql(query);
      const first = head && prepared(head.sql).all(...head.params);
      if (first?.length === query.limit) return toOperations(first);
      const { sql, params } = whole;
      return toOperations(scans ? await longReads.call("rows", sql, params) : prepared(sql).all(...params));
    },

    /** False when there is nothing to mark: it is missing or marked already. */
    needsPolledMark: ({ instance, id }: OperationKey): boolean => isPolled.get(instance, id)?.[0] === 0,

    liveOperations: (): (OperationKey & { polled: boolean })[] =>
      live.all().map(([instance, id, polled]) => ({ instance, id, polled: polled === 1 })),
  };
}
