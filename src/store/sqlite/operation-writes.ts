import type { DatabaseSync } from "node:sqlite";
import type { JobOutcome } from "../../operations/operations.ts";
import { type Cause, JobEventKind } from "../job-event.ts";
import { COMPLETED } from "../stages.ts";
import type { CancelResult, OperationKey } from "../store.ts";
import type { ChangeStatements } from "./change-statements.ts";
import { prepare } from "./connection.ts";
import type { EventStatements } from "./event-statements.ts";
import type { JobEnd, JobStatements } from "./job-statements.ts";

const FIND_STATE = `
  SELECT o.job_id, o.stage, j.session, j.worker FROM operations o CROSS JOIN jobs j ON j.id = o.job_id
  WHERE o.instance = ? AND o.id = ?`;

const CANCEL = `
  UPDATE operations SET stage = ${COMPLETED}, cancelled = 1, completed_at = ?, changed = ? WHERE instance = ? AND id = ?`;

/** Forgets the operations that ended first. */
export const PRUNE = `
  DELETE FROM operations WHERE rowid IN (
    SELECT rowid FROM operations INDEXED BY operations_completed
    WHERE instance = ? AND completed_at < ? ORDER BY completed_at LIMIT ?)
  RETURNING job_id, id`;

const COUNT = "SELECT count(*), coalesce(sum(cancelled), 0) FROM operations WHERE job_id = ?";

type OperationState = readonly [jobId: string, stage: number, session: string | null, worker: string | null];

/** The transitions of single operations. */
export function operationWrites(
  db: DatabaseSync,
  jobs: JobStatements,
  events: EventStatements,
  changes: ChangeStatements,
) {
  const markPolled = prepare(db, "UPDATE operations SET polled = 1 WHERE instance = ? AND id = ? AND polled = 0");
  const findState = prepare<OperationState>(db, FIND_STATE);
  const cancel = prepare(db, CANCEL);
  const count = prepare<[operations: number, cancelled: number]>(db, COUNT);
  const hasLive = prepare<[1]>(db, "SELECT 1 FROM operations WHERE job_id = ? AND completed_at IS NULL LIMIT 1");
  const prune = prepare<[jobId: string, id: string]>(db, PRUNE);
  const remove = prepare<[jobId: string]>(db, "DELETE FROM operations WHERE instance = ? AND id = ? RETURNING job_id");

  function noteCancellation(state: OperationState, operation: string, now: number, cause: Cause | undefined): void {
    const [jobId, , , worker] = state;
    const [operations, cancelledOperations] = count.get(jobId) ?? [1, 1];
    const facts = { operation, operations, cancelledOperations, ...(worker !== null && { worker }) };
    events.append(jobId, JobEventKind.OPERATION_CANCELLATION, now, { ...facts, ...(cause && { cause }) });
  }

  return {
    markPolled: ({ instance, id }: OperationKey): void => void markPolled.run(instance, id),

    cancelOperation: (
      { instance, id }: OperationKey,
      outcome: JobOutcome,
      now: number,
      cause: Cause | undefined,
    ): CancelResult => {
      const state = findState.get(instance, id);
      if (!state) return { kind: "missing" };
      const [jobId, stage, session] = state;
      if (stage === COMPLETED) return { kind: "already-done", jobId };
      cancel.run(now, changes.next(), instance, id);
      noteCancellation(state, id, now, cause);
      const jobEnded = !hasLive.get(jobId) && jobs.end(endOf(jobId, outcome, now, cause), JobEventKind.CANCELLATION);
      return { kind: "cancelled", jobId, jobEnded, session: jobEnded ? (session ?? undefined) : undefined };
    },

    killJob: ({ instance, id }: OperationKey, outcome: JobOutcome, now: number, cause: Cause): CancelResult => {
      const state = findState.get(instance, id);
      if (!state) return { kind: "missing" };
      const [jobId, , session] = state;
      const jobEnded = jobs.end(endOf(jobId, outcome, now, cause), JobEventKind.CANCELLATION);
      return jobEnded
        ? { kind: "cancelled", jobId, jobEnded, session: session ?? undefined }
        : { kind: "already-done", jobId };
    },

    deleteOperation: ({ instance, id }: OperationKey): string | undefined => {
      const jobId = remove.get(instance, id)?.[0];
      if (jobId === undefined) return undefined;
      changes.noteDeletion(instance, id);
      jobs.forget(jobId);
      return jobId;
    },

    pruneOperations: (instance: string, endedBefore: number, limit: number): number => {
      const pruned = prune.all(instance, endedBefore, limit);
      for (const [, id] of pruned) changes.noteDeletion(instance, id);
      for (const jobId of new Set(pruned.map(([id]) => id))) jobs.forget(jobId);
      return pruned.length;
    },
  };
}

function endOf(jobId: string, outcome: JobOutcome, now: number, cause: Cause | undefined): JobEnd {
  return { jobId, session: undefined, outcome, startedAt: undefined, now, cause };
}
