import type { DatabaseSync } from "node:sqlite";
import type { OperationRecord } from "../../operations/operations.ts";
import { createRecentOperations } from "../recent-operations.ts";
import { EXECUTING } from "../stages.ts";
import type { OperationKey } from "../store.ts";
import { prepare } from "./connection.ts";

/** Asks for all that can change about an operation that waits or has ended, and about its job. */
export const OPERATION_STATE = `
  SELECT o.stage, o.polled, j.attempts, j.priority FROM operations o CROSS JOIN jobs j ON j.id = o.job_id
  WHERE o.instance = ? AND o.id = ?`;

type StateRow = readonly [stage: number, polled: number, attempts: number, priority: number];

/**
 * Records of operations that were read before, each for as long as the database says that nothing about it has changed:
 * that costs half of reading it. Who reads an operation again gets the same object, and may know by it that nothing has
 * changed. Operations that execute are left out, as much of them may change, and so are large ones.
 */
export function createKnownOperations(db: DatabaseSync) {
  const readState = prepare<StateRow>(db, OPERATION_STATE);
  const records = createRecentOperations();
  return {
    /** Undefined when it is not known, no longer true, or deleted. */
    get: (key: OperationKey): OperationRecord | undefined => {
      const record = records.get(key.id);
      if (record?.instance !== key.instance) return undefined;
      const row = readState.get(key.instance, key.id);
      if (row && isStill(record, row)) return record;
      records.delete(key.id);
      return undefined;
    },

    add: (record: OperationRecord): void => {
      if (isSteady(record)) records.set(record);
    },
  };
}

/** A cancelled operation may have a job that goes on, whose stage is another. */
function isSteady({ stage, job }: OperationRecord): boolean {
  return stage === job.stage && stage !== EXECUTING;
}

function isStill({ stage, polled, job }: OperationRecord, row: StateRow): boolean {
  return row[0] === stage && row[1] === Number(polled) && row[2] === job.attempts && row[3] === job.priority;
}
