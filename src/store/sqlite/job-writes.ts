import type { DatabaseSync } from "node:sqlite";
import type { Claim, Completion } from "../store.ts";
import { prepare } from "./connection.ts";
import type { JobStatements } from "./job-statements.ts";
import type { JobRow } from "./rows.ts";
import { EXECUTING, QUEUED } from "./stages.ts";

/** Finds the next jobs of one platform. */
export const NEXT_JOBS = `
  SELECT id, priority, queued_at FROM jobs WHERE stage = ${QUEUED} AND platform_id = ?
  ORDER BY priority, queued_at, id LIMIT ?`;

const LEASE = `
  UPDATE jobs SET stage = ${EXECUTING}, attempts = attempts + 1, session = ?, worker = ?, assigned_at = ?, started_at = NULL
  WHERE id = ?`;

const REPORT = `
  UPDATE jobs SET started_at = coalesce(?, started_at) WHERE id = ? AND session = ?`;

const PUT_PROGRESS = `
  INSERT INTO job_payloads (job_id, partial_metadata) VALUES (?, ?)
  ON CONFLICT (job_id) DO UPDATE SET partial_metadata = excluded.partial_metadata`;

const REQUEUE = `UPDATE jobs SET stage = ${QUEUED}, session = NULL WHERE id = ? AND session = ?`;

const CACHE_RESULT = `
  INSERT INTO action_results (instance, action_hash, action_size, digest_function, used_at, result)
  SELECT instance, action_hash, action_size, digest_function, ?, ? FROM jobs WHERE id = ? AND cacheable = 1
  ON CONFLICT (instance, action_hash, action_size, digest_function)
  DO UPDATE SET used_at = excluded.used_at, result = excluded.result`;

type QueuedJob = readonly [id: string, priority: number, queuedAt: number];

/** The transitions of jobs; only a job that is EXECUTING has a session. */
export function jobWrites(db: DatabaseSync, jobs: JobStatements) {
  const report = prepare(db, REPORT);
  const putProgress = prepare(db, PUT_PROGRESS);
  const requeue = prepare(db, REQUEUE);
  const cacheResult = prepare(db, CACHE_RESULT);
  return {
    claim: createClaim(db, jobs),

    reportProgress: (jobId: string, session: string, metadata: Uint8Array, startedAt: number | undefined): boolean => {
      if (report.run(startedAt ?? null, jobId, session) === 0) return false;
      putProgress.run(jobId, metadata);
      return true;
    },

    requeue: (jobId: string, session: string): boolean => {
      if (requeue.run(jobId, session) === 0) return false;
      jobs.followStage(jobId, QUEUED);
      return true;
    },

    complete: (completion: Completion): boolean => {
      const { jobId, actionResult, now } = completion;
      if (!jobs.end(completion)) return false;
      if (actionResult) cacheResult.run(now, actionResult, jobId);
      jobs.forget(jobId);
      return true;
    },
  };
}

function createClaim(db: DatabaseSync, jobs: JobStatements): (claim: Claim) => JobRow[] {
  const findSession = prepare<[1]>(db, "SELECT 1 FROM sessions WHERE name = ?");
  const nextJobs = prepare<QueuedJob>(db, NEXT_JOBS);
  const lease = prepare(db, LEASE);
  const dropProgress = prepare(db, "UPDATE job_payloads SET partial_metadata = NULL WHERE job_id = ?");
  return ({ session, worker, platforms, limit, now }) => {
    if (limit < 1 || !findSession.get(session)) return [];
    // The head of each platform's queue, so that the cost does not depend on how long the queues are.
    const heads = [...new Set(platforms)].flatMap((platform) => nextJobs.all(platform, limit));
    return heads
      .sort(byRank)
      .slice(0, limit)
      .flatMap(([id]) => {
        lease.run(session, worker, now, id);
        dropProgress.run(id);
        jobs.followStage(id, EXECUTING);
        const job = jobs.find(id);
        return job ? [job] : [];
      });
  };
}

function byRank(a: QueuedJob, b: QueuedJob): number {
  return a[1] - b[1] || a[2] - b[2] || (a[0] < b[0] ? -1 : 1);
}
