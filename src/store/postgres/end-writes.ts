import type { JobOutcome } from "../../operations/operations.ts";
import { type Cause, JobEventKind } from "../job-event.ts";
import { COMPLETED } from "../stages.ts";
import type { CancelResult, Store } from "../store.ts";
import { STALE, untilFresh } from "./attempts.ts";
import type { Database } from "./database.ts";
import { causeParam, factsSql, jsonSql } from "./facts.ts";
import type { OwnChanges } from "./own-changes.ts";
import { type Param, type Statement, THIS_CHANGE } from "./statement.ts";

/**
 * Ends the job that `seen` finds, with its live operations, if it is still the same: `seen` has its id, version, stage,
 * session and number of operations. A job without any operation goes at once. Parameters: 1 now, 2 when it was started,
 * 3 to 6 its outcome, 7 the cause, 8 what goes into the action cache.
 */
function endSql(seen: string, kind: typeof JobEventKind.COMPLETION | typeof JobEventKind.CANCELLATION): string {
  const completion = kind === JobEventKind.COMPLETION;
  const result = { statusCode: jsonSql("$3::int"), durationMs: jsonSql("$1::bigint - queued_at") };
  const facts = { worker: jsonSql("worker"), ...(completion && result), cause: "$7::text" };
  const same = `j.id = seen.id AND j.version = seen.version AND seen.stage < ${COMPLETED}`;
  return `
    WITH seen AS MATERIALIZED (${seen}), job AS (
      UPDATE jobs j SET version = j.version + 1, stage = ${COMPLETED}, session = NULL, completed_at = $1,
        started_at = coalesce($2::bigint, j.started_at), status_code = $3::int, exit_code = $4::int, cached = $5::int
      FROM seen WHERE ${same} AND seen.operations > 0
      RETURNING j.*
    ), gone AS (
      DELETE FROM jobs j USING seen WHERE ${same} AND seen.operations = 0
      RETURNING j.*
    ), operation AS (
      UPDATE operations o SET stage = ${COMPLETED}, cancelled = ${completion ? 0 : 1}, completed_at = $1,
        changed = ${THIS_CHANGE}
      FROM job WHERE o.job_id = job.id AND o.completed_at IS NULL
    ), payload AS (
      INSERT INTO job_payloads (job_id, response) SELECT id, $6::bytea FROM job
      ON CONFLICT (job_id) DO UPDATE SET response = excluded.response
    ), event AS (
      INSERT INTO job_events (job_id, kind, at, facts) SELECT id, ${kind}, $1, ${factsSql(facts)} FROM job
    ), kept AS (
      INSERT INTO action_results (instance, action_hash, action_size, digest_function, used_at, result)
      SELECT instance, action_hash, action_size, digest_function, $1, $8::bytea
      FROM (SELECT * FROM job UNION ALL SELECT * FROM gone) ended WHERE cacheable = 1 AND $8::bytea IS NOT NULL
      ON CONFLICT (instance, action_hash, action_size, digest_function)
      DO UPDATE SET used_at = excluded.used_at, result = excluded.result
    )
    SELECT seen.id, seen.stage, seen.session,
      CASE WHEN EXISTS (SELECT 1 FROM job UNION ALL SELECT 1 FROM gone) THEN ${THIS_CHANGE} END FROM seen`;
}

/** Ends a job by an outcome. */
export const COMPLETE: Statement = {
  name: "complete",
  text: endSql(
    `SELECT id, version, stage, session, operations FROM jobs
     WHERE id = $9 AND stage < ${COMPLETED} AND ($10::text IS NULL OR session = $10)`,
    JobEventKind.COMPLETION,
  ),
};

const KILL: Statement = {
  name: "kill_job",
  text: endSql(
    `SELECT j.id, j.version, j.stage, j.session, j.operations FROM operations o JOIN jobs j ON j.id = o.job_id
     WHERE o.instance = $9 AND o.id = $10`,
    JobEventKind.CANCELLATION,
  ),
};

type EndRow = readonly [jobId: string, stage: number, session: string | null, change: number | null];

/** The transitions that end whole jobs. */
export function endWrites(db: Database, own: OwnChanges): Pick<Store, "complete" | "killJob"> {
  return {
    complete: ({ jobId, session, outcome, actionResult, startedAt, cause, now }) =>
      untilFresh(async () => {
        const params = endParams({ outcome, startedAt, cause, now, actionResult });
        const [row] = await db.query<EndRow>(COMPLETE, [...params, jobId, session ?? null]);
        if (!row) return false;
        if (row[3] === null) return STALE;
        own.add(row[3]);
        return true;
      }),

    killJob: ({ instance, id }, outcome, now, cause) =>
      untilFresh(async (): Promise<CancelResult | typeof STALE> => {
        const params = endParams({ outcome, startedAt: undefined, cause, now, actionResult: undefined });
        const [row] = await db.query<EndRow>(KILL, [...params, instance, id]);
        if (!row) return { kind: "missing" };
        const [jobId, stage, session, change] = row;
        if (stage === COMPLETED) return { kind: "already-done", jobId };
        if (change === null) return STALE;
        own.add(change);
        return { kind: "cancelled", jobId, jobEnded: true, session: session ?? undefined };
      }),
  };
}

interface End {
  readonly outcome: JobOutcome;
  readonly startedAt: number | undefined;
  readonly cause: Cause | undefined;
  readonly now: number;
  readonly actionResult: Uint8Array | undefined;
}

function endParams({ outcome, startedAt, cause, now, actionResult }: End): Param[] {
  const { statusCode, exitCode, cached, response } = outcome;
  const ended = [statusCode, exitCode ?? null, Number(cached), response];
  return [now, startedAt ?? null, ...ended, causeParam(cause), actionResult ?? null];
}
