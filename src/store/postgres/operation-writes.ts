import { JobEventKind } from "../job-event.ts";
import { COMPLETED } from "../stages.ts";
import type { CancelResult, Store } from "../store.ts";
import { STALE, untilFresh } from "./attempts.ts";
import type { Database } from "./database.ts";
import { causeParam, factsSql, jsonSql } from "./facts.ts";
import { THIS_CHANGE } from "./statement.ts";

const MARK_POLLED = {
  name: "mark_polled",
  text: "UPDATE operations SET polled = 1 WHERE instance = $1 AND id = $2 AND polled = 0",
};

/** Ends one operation, and its job when that lives and has no other live one. */
export const CANCEL = {
  name: "cancel_operation",
  text: `
    WITH seen AS MATERIALIZED (
      SELECT j.id, j.version, j.session, o.stage, of_job.count, of_job.cancelled,
        of_job.live = 1 AND j.stage < ${COMPLETED} AS ends
      FROM operations o JOIN jobs j ON j.id = o.job_id CROSS JOIN LATERAL (
        SELECT count(*), count(*) FILTER (WHERE cancelled = 1) AS cancelled,
          count(*) FILTER (WHERE completed_at IS NULL) AS live
        FROM operations of_job WHERE of_job.job_id = j.id
      ) of_job
      WHERE o.instance = $1 AND o.id = $2
    ), job AS (
      UPDATE jobs j SET version = j.version + 1,
        stage = CASE WHEN seen.ends THEN ${COMPLETED} ELSE j.stage END,
        session = CASE WHEN NOT seen.ends THEN j.session END,
        completed_at = CASE WHEN seen.ends THEN $3::bigint ELSE j.completed_at END,
        status_code = CASE WHEN seen.ends THEN $4::int ELSE j.status_code END,
        exit_code = CASE WHEN seen.ends THEN $5::int ELSE j.exit_code END,
        cached = CASE WHEN seen.ends THEN $6::smallint ELSE j.cached END
      FROM seen WHERE j.id = seen.id AND j.version = seen.version AND seen.stage < ${COMPLETED}
      RETURNING j.id, j.worker, seen.ends, seen.count, seen.cancelled
    ), operation AS (
      UPDATE operations o SET stage = ${COMPLETED}, cancelled = 1, completed_at = $3, changed = ${THIS_CHANGE}
      FROM job WHERE o.instance = $1 AND o.id = $2
    ), payload AS (
      INSERT INTO job_payloads (job_id, response) SELECT id, $7::bytea FROM job WHERE ends
      ON CONFLICT (job_id) DO UPDATE SET response = excluded.response
    ), event AS (
      INSERT INTO job_events (job_id, kind, at, facts)
      SELECT id, ${JobEventKind.OPERATION_CANCELLATION}, $3, ${factsSql({
        operation: jsonSql("$2::text"),
        operations: jsonSql("count"),
        cancelledOperations: jsonSql("cancelled + 1"),
        worker: jsonSql("worker"),
        cause: "$8::text",
      })} FROM job
      UNION ALL SELECT id, ${JobEventKind.CANCELLATION}, $3, ${factsSql({
        worker: jsonSql("worker"),
        cause: "$8::text",
      })} FROM job WHERE ends
    )
    SELECT seen.id, seen.stage, seen.session, job.ends FROM seen LEFT JOIN job ON true`,
};

type CancelRow = readonly [jobId: string, stage: number, session: string | null, ends: boolean | null];

/** The transitions of single operations that forget nothing. */
export function operationWrites(db: Database): Pick<Store, "markPolled" | "cancelOperation"> {
  return {
    markPolled: async ({ instance, id }) => void (await db.query(MARK_POLLED, [instance, id])),

    cancelOperation: ({ instance, id }, { statusCode, exitCode, cached, response }, now, cause) =>
      untilFresh(async (): Promise<CancelResult | typeof STALE> => {
        const outcome = [statusCode, exitCode ?? null, Number(cached), response];
        const [row] = await db.query<CancelRow>(CANCEL, [instance, id, now, ...outcome, causeParam(cause)]);
        if (!row) return { kind: "missing" };
        const [jobId, stage, session, jobEnded] = row;
        if (stage === COMPLETED) return { kind: "already-done", jobId };
        if (jobEnded === null) return STALE;
        return { kind: "cancelled", jobId, jobEnded, session: jobEnded ? (session ?? undefined) : undefined };
      }),
  };
}
