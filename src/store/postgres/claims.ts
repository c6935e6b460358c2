import type { JobRecord } from "../../operations/operations.ts";
import { JobEventKind } from "../job-event.ts";
import { toJob } from "../records.ts";
import { JOB_COLUMNS, type JobRow } from "../rows.ts";
import { EXECUTING, QUEUED } from "../stages.ts";
import type { Claim, Store } from "../store.ts";
import type { Database } from "./database.ts";
import { factsSql, jsonSql } from "./facts.ts";
import { THIS_CHANGE } from "./statement.ts";

/**
 * Looks at the head of each platform's queue, so that the cost does not depend on how long the queues are, and locks the
 * best of what it has seen one by one until there are enough, passing over what others have locked or changed. The
 * session cannot go meanwhile. The lock is the weak one, which leaves alone those who refer to the job.
 */
export const CLAIM = {
  name: "claim",
  text: `
    WITH session AS MATERIALIZED (
      SELECT name FROM sessions WHERE name = $1 FOR KEY SHARE
    ), head AS MATERIALIZED (
      SELECT next.* FROM session CROSS JOIN unnest($3::int[]) AS platform (id) CROSS JOIN LATERAL (
        SELECT id, version, priority, queued_at FROM jobs WHERE stage = ${QUEUED} AND platform_id = platform.id
        ORDER BY priority, queued_at, id LIMIT $6
      ) next
      ORDER BY next.priority, next.queued_at, next.id LIMIT $6
    ), chosen AS MATERIALIZED (
      SELECT j.id FROM head JOIN jobs j ON j.id = head.id AND j.version = head.version AND j.stage = ${QUEUED}
      ORDER BY head.priority, head.queued_at, head.id LIMIT $4 FOR NO KEY UPDATE OF j SKIP LOCKED
    ), job AS (
      UPDATE jobs j SET version = j.version + 1, stage = ${EXECUTING}, attempts = j.attempts + 1, session = $1,
        worker = $2, assigned_at = $5, started_at = NULL
      FROM chosen WHERE j.id = chosen.id
      RETURNING j.*
    ), payload AS (
      UPDATE job_payloads x SET partial_metadata = NULL FROM job WHERE x.job_id = job.id AND job.attempts > 1
    ), operation AS (
      UPDATE operations o SET stage = ${EXECUTING}, changed = ${THIS_CHANGE} FROM job
      WHERE o.job_id = job.id AND o.completed_at IS NULL
    ), event AS (
      INSERT INTO job_events (job_id, kind, at, facts)
      SELECT id, ${JobEventKind.ASSIGNMENT}, $5, ${factsSql({
        worker: jsonSql("worker"),
        attempt: jsonSql("attempts"),
        queueMs: jsonSql(`$5 - coalesce((
          SELECT at FROM job_events e WHERE e.job_id = job.id AND kind = ${JobEventKind.RETRY} ORDER BY seq DESC LIMIT 1
        ), queued_at)`),
      })} FROM job
    )
    SELECT seen.count, ${JOB_COLUMNS} FROM (SELECT count(*) FROM head) seen
    LEFT JOIN (job j JOIN platforms p ON p.id = j.platform_id) ON true
    CROSS JOIN (SELECT NULL::bytea AS partial_metadata, NULL::bytea AS response) x
    ORDER BY j.priority, j.queued_at, j.id`,
};

/** How many jobs more than wanted are looked at, as others may be about to take the first. */
const SLACK = 32;

/** How often to look again where others held what was seen. What they leave to the queue, their change tells of. */
const MOST_LOOKS = 4;

type ClaimRow = readonly [seen: number, ...job: JobRow];

/** The transition that hands out jobs. */
export function claims(db: Database): Pick<Store, "claim"> {
  async function claim({ session, worker, platforms, limit, now }: Claim): Promise<JobRecord[]> {
    const ids = [...new Set(platforms)];
    const jobs: JobRecord[] = [];
    if (ids.length === 0) return jobs;
    let slack = SLACK;
    for (let look = 0; look < MOST_LOOKS && jobs.length < limit; look++) {
      const wanted = limit - jobs.length;
      const rows = await db.query<ClaimRow>(CLAIM, [session, worker, ids, wanted, now, wanted + slack]);
      const taken = rows.filter(([, id]) => id !== null).map(([, ...row]) => toJob(row));
      jobs.push(...taken);
      if ((rows[0]?.[0] ?? 0) <= taken.length) break;
      slack *= 4;
    }
    return jobs;
  }
  return { claim };
}
