import type { DatabaseSync } from "node:sqlite";
import type { JobOutcome } from "../../operations/operations.ts";
import type { CancelResult, OperationKey } from "../store.ts";
import { prepare } from "./connection.ts";
import type { JobStatements } from "./job-statements.ts";
import { COMPLETED } from "./stages.ts";

const FIND_STATE = `
  SELECT o.job_id, o.stage, j.session FROM operations o CROSS JOIN jobs j ON j.id = o.job_id
  WHERE o.instance = ? AND o.id = ?`;

const CANCEL = `
  UPDATE operations SET stage = ${COMPLETED}, cancelled = 1, completed_at = ? WHERE instance = ? AND id = ?`;

/** The transitions of single operations. */
export function operationWrites(db: DatabaseSync, jobs: JobStatements) {
  const markPolled = prepare(db, "UPDATE operations SET polled = 1 WHERE instance = ? AND id = ? AND polled = 0");
  const findState = prepare<[jobId: string, stage: number, session: string | null]>(db, FIND_STATE);
  const cancel = prepare(db, CANCEL);
  const hasLive = prepare<[1]>(db, "SELECT 1 FROM operations WHERE job_id = ? AND completed_at IS NULL LIMIT 1");
  const remove = prepare<[jobId: string]>(db, "DELETE FROM operations WHERE instance = ? AND id = ? RETURNING job_id");
  return {
    markPolled: ({ instance, id }: OperationKey): void => void markPolled.run(instance, id),

    cancelOperation: ({ instance, id }: OperationKey, outcome: JobOutcome, now: number): CancelResult => {
      const state = findState.get(instance, id);
      if (!state) return { kind: "missing" };
      const [jobId, stage, session] = state;
      if (stage === COMPLETED) return { kind: "already-done", jobId };
      cancel.run(now, instance, id);
      const jobEnded =
        !hasLive.get(jobId) && jobs.end({ jobId, session: undefined, outcome, startedAt: undefined, now });
      return { kind: "cancelled", jobId, jobEnded, session: jobEnded ? (session ?? undefined) : undefined };
    },

    deleteOperation: ({ instance, id }: OperationKey): string | undefined => {
      const jobId = remove.get(instance, id)?.[0];
      if (jobId !== undefined) jobs.forget(jobId);
      return jobId;
    },
  };
}
