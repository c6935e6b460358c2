import { JobEventKind, MOST_WITH_PROGRESS } from "../job-event.ts";
import { EXECUTING, QUEUED } from "../stages.ts";
import type { Store } from "../store.ts";
import { STALE, untilFresh } from "./attempts.ts";
import type { Database } from "./database.ts";
import { causeParam, factsSql, jsonSql } from "./facts.ts";
import { THIS_CHANGE } from "./statement.ts";

const SEEN = "SELECT id, version FROM jobs WHERE id = $1 AND session = $2";

/** Keeps what a bot reported. */
export const REPORT = {
  name: "report_progress",
  text: `
    WITH seen AS MATERIALIZED (${SEEN}), job AS (
      UPDATE jobs j SET version = j.version + 1, started_at = coalesce($4::bigint, j.started_at)
      FROM seen WHERE j.id = seen.id AND j.version = seen.version
      RETURNING j.id, j.worker
    ), payload AS (
      INSERT INTO job_payloads (job_id, partial_metadata) SELECT id, $3::bytea FROM job
      ON CONFLICT (job_id) DO UPDATE SET partial_metadata = excluded.partial_metadata
    ), operation AS (
      UPDATE operations o SET stage = ${EXECUTING}, changed = ${THIS_CHANGE} FROM job
      WHERE o.job_id = job.id AND o.completed_at IS NULL
    ), event AS (
      INSERT INTO job_events (job_id, kind, at, facts)
      SELECT job.id, ${JobEventKind.PROGRESS_UPDATE}, reached.at, ${factsSql({
        worker: jsonSql("job.worker"),
        timestampName: jsonSql("reached.name"),
      })} FROM job CROSS JOIN unnest($5::text[], $6::bigint[]) WITH ORDINALITY AS reached (name, at, number)
      WHERE reached.number <= ${MOST_WITH_PROGRESS} - (SELECT count(*) FROM job_events e WHERE e.job_id = job.id)
      ORDER BY reached.number
    )
    SELECT EXISTS (SELECT 1 FROM job) FROM seen`,
};

const REQUEUE = {
  name: "requeue",
  text: `
    WITH seen AS MATERIALIZED (${SEEN}), job AS (
      UPDATE jobs j SET version = j.version + 1, stage = ${QUEUED}, session = NULL
      FROM seen WHERE j.id = seen.id AND j.version = seen.version
      RETURNING j.id, j.worker, j.attempts
    ), operation AS (
      UPDATE operations o SET stage = ${QUEUED}, changed = ${THIS_CHANGE} FROM job
      WHERE o.job_id = job.id AND o.completed_at IS NULL
    ), event AS (
      INSERT INTO job_events (job_id, kind, at, facts)
      SELECT id, ${JobEventKind.RETRY}, $3, ${factsSql({
        worker: jsonSql("worker"),
        attempt: jsonSql("attempts"),
        cause: "$4::text",
      })} FROM job
    )
    SELECT EXISTS (SELECT 1 FROM job) FROM seen`,
};

type Changed = readonly [changed: boolean];

/** The transitions of jobs that a session holds; only a job that is EXECUTING has one. */
export function jobWrites(db: Database): Pick<Store, "reportProgress" | "requeue"> {
  return {
    reportProgress: (jobId, session, partialMetadata, startedAt, reached = []) =>
      untilFresh(async () => {
        const times = [reached.map(({ name }) => name), reached.map(({ at }) => at)];
        const params = [jobId, session, partialMetadata, startedAt ?? null, ...times];
        const [row] = await db.query<Changed>(REPORT, params);
        return row ? row[0] || STALE : false;
      }),

    requeue: (jobId, session, now, cause) =>
      untilFresh(async () => {
        const [row] = await db.query<Changed>(REQUEUE, [jobId, session, now, causeParam(cause)]);
        return row ? row[0] || STALE : false;
      }),
  };
}
