import type { DatabaseSync } from "node:sqlite";
import type { JobOutcome } from "../../operations/operations.ts";
import { type Cause, JobEventKind } from "../job-event.ts";
import type { JobRow } from "../rows.ts";
import { JOB_COLUMNS } from "../rows.ts";
import { COMPLETED } from "../stages.ts";
import type { ChangeStatements } from "./change-statements.ts";
import { prepare } from "./connection.ts";
import type { EventStatements } from "./event-statements.ts";
import { JOB_JOINS } from "./joins.ts";

/** The end of a job, as far as its row tells it. */
export interface JobEnd {
  readonly jobId: string;
  /** The session that must hold the lease, or undefined when that does not matter. */
  readonly session: string | undefined;
  readonly outcome: JobOutcome;
  readonly startedAt: number | undefined;
  readonly now: number;
  readonly cause?: Cause | undefined;
}

/** How a job ends: by an outcome, or with all its operations cancelled. */
export type EndKind = typeof JobEventKind.COMPLETION | typeof JobEventKind.CANCELLATION;

/** Steps on a job that more than one transition takes. */
export interface JobStatements {
  find(jobId: string): JobRow | undefined;
  /** Gives the live operations of a job the stage that it has now, whether or not it is another. Counts as a change. */
  followStage(jobId: string, stage: number): void;
  /** Keeps the encoded ExecuteResponse. */
  putResponse(jobId: string, response: Uint8Array): void;
  /** Ends a live job and its live operations. False when it is not live, or the session does not hold it. */
  end(end: JobEnd, kind: EndKind): boolean;
  /** Deletes a job when it is COMPLETED and no operation is left by which anybody could ask for it. */
  forget(jobId: string): void;
}

const END_JOB = `
  UPDATE jobs SET stage = ${COMPLETED}, session = NULL, completed_at = ?, started_at = coalesce(?, started_at),
    status_code = ?, exit_code = ?, cached = ?
  WHERE id = ? AND stage < ${COMPLETED} AND (? IS NULL OR session = ?)
  RETURNING queued_at, worker`;

const END_OPERATIONS = `
  UPDATE operations SET stage = ${COMPLETED}, cancelled = ?, completed_at = ?, changed = ?
  WHERE job_id = ? AND completed_at IS NULL`;

const FOLLOW_STAGE = "UPDATE operations SET stage = ?, changed = ? WHERE job_id = ? AND completed_at IS NULL";

const FORGET_JOB = `
  DELETE FROM jobs WHERE id = ? AND stage = ${COMPLETED} AND NOT EXISTS (SELECT 1 FROM operations WHERE job_id = jobs.id)`;

const PUT_RESPONSE = `
  INSERT INTO job_payloads (job_id, response) VALUES (?, ?)
  ON CONFLICT (job_id) DO UPDATE SET response = excluded.response`;

/** Prepares the statements. */
export function createJobStatements(
  db: DatabaseSync,
  events: EventStatements,
  changes: ChangeStatements,
): JobStatements {
  const find = prepare<JobRow>(db, `SELECT ${JOB_COLUMNS} FROM jobs j ${JOB_JOINS} WHERE j.id = ?`);
  const followStage = prepare(db, FOLLOW_STAGE);
  const putResponse = prepare(db, PUT_RESPONSE);
  const endJob = prepare<readonly [queuedAt: number, worker: string | null]>(db, END_JOB);
  const endOperations = prepare(db, END_OPERATIONS);
  const forget = prepare(db, FORGET_JOB);
  return {
    find: (jobId) => find.get(jobId),
    followStage: (jobId, stage) => void followStage.run(stage, changes.next(), jobId),
    putResponse: (jobId, response) => void putResponse.run(jobId, response),
    end: ({ jobId, session = null, outcome, startedAt = null, now, cause }, kind) => {
      const { statusCode, exitCode = null, cached, response } = outcome;
      const ended = endJob.get(now, startedAt, statusCode, exitCode, Number(cached), jobId, session, session);
      if (!ended) return false;
      const [queuedAt, worker] = ended;
      putResponse.run(jobId, response);
      endOperations.run(Number(kind === JobEventKind.CANCELLATION), now, changes.next(), jobId);
      const result = kind === JobEventKind.COMPLETION && { statusCode, durationMs: now - queuedAt };
      events.append(jobId, kind, now, { ...(worker !== null && { worker }), ...result, ...(cause && { cause }) });
      return true;
    },
    forget: (jobId) => void forget.run(jobId),
  };
}
