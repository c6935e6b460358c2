import type { DatabaseSync } from "node:sqlite";
import { type Cause, JobEventKind } from "../job-event.ts";
import type { JobRow } from "../rows.ts";
import { EXECUTING, QUEUED } from "../stages.ts";
import type { Claim, Completion } from "../store.ts";
import { prepare } from "./connection.ts";
import type { EventStatements } from "./event-statements.ts";
import type { JobStatements } from "./job-statements.ts";
import type { PlainProgress } from "./write-requests.ts";

/** Finds the next jobs of one platform. */
export const NEXT_JOBS = `
  SELECT id, priority, queued_at FROM jobs WHERE stage = ${QUEUED} AND platform_id = ?
  ORDER BY priority, queued_at, id LIMIT ?`;

const LEASE = `
  UPDATE jobs SET stage = ${EXECUTING}, attempts = attempts + 1, session = ?, worker = ?, assigned_at = ?, started_at = NULL
  WHERE id = ? RETURNING attempts`;

const REPORT = `
  UPDATE jobs SET started_at = coalesce(?, started_at) WHERE id = ? AND session = ? RETURNING worker`;

const PUT_PROGRESS = `
  INSERT INTO job_payloads (job_id, partial_metadata) VALUES (?, ?)
  ON CONFLICT (job_id) DO UPDATE SET partial_metadata = excluded.partial_metadata`;

const REQUEUE = `UPDATE jobs SET stage = ${QUEUED}, session = NULL WHERE id = ? AND session = ?
  RETURNING worker, attempts`;

const CACHE_RESULT = `
  INSERT INTO action_results (instance, action_hash, action_size, digest_function, used_at, result)
  SELECT instance, action_hash, action_size, digest_function, ?, ? FROM jobs WHERE id = ? AND cacheable = 1
  ON CONFLICT (instance, action_hash, action_size, digest_function)
  DO UPDATE SET used_at = excluded.used_at, result = excluded.result`;

type Returned = readonly [worker: string];
type Requeued = readonly [worker: string, attempts: number];
type QueuedJob = readonly [id: string, priority: number, queuedAt: number];

/** The transitions of jobs; only a job that is EXECUTING has a session. */
export function jobWrites(db: DatabaseSync, jobs: JobStatements, events: EventStatements) {
  const report = prepare<Returned>(db, REPORT);
  const putProgress = prepare(db, PUT_PROGRESS);
  const requeue = prepare<Requeued>(db, REQUEUE);
  const cacheResult = prepare(db, CACHE_RESULT);
  return {
    claim: createClaim(db, jobs, events),

    reportProgress: ({ jobId, session, metadata, startedAt, reached }: PlainProgress): boolean => {
      const held = report.get(startedAt ?? null, jobId, session);
      if (!held) return false;
      putProgress.run(jobId, metadata);
      jobs.followStage(jobId, EXECUTING);
      for (const { name, at } of reached) {
        events.append(jobId, JobEventKind.PROGRESS_UPDATE, at, { worker: held[0], timestampName: name });
      }
      return true;
    },

    requeue: (jobId: string, session: string, now: number, cause: Cause | undefined): boolean => {
      const requeued = requeue.get(jobId, session);
      if (!requeued) return false;
      const [worker, attempt] = requeued;
      jobs.followStage(jobId, QUEUED);
      events.append(jobId, JobEventKind.RETRY, now, { worker, attempt, ...(cause && { cause }) });
      return true;
    },

    complete: (completion: Completion): boolean => {
      const { jobId, actionResult, now } = completion;
      if (!jobs.end(completion, JobEventKind.COMPLETION)) return false;
      if (actionResult) cacheResult.run(now, actionResult, jobId);
      jobs.forget(jobId);
      return true;
    },
  };
}

function createClaim(db: DatabaseSync, jobs: JobStatements, events: EventStatements): (claim: Claim) => JobRow[] {
  const findSession = prepare<[1]>(db, "SELECT 1 FROM sessions WHERE name = ?");
  const nextJobs = prepare<QueuedJob>(db, NEXT_JOBS);
  const lease = prepare<[attempts: number]>(db, LEASE);
  const dropProgress = prepare(db, "UPDATE job_payloads SET partial_metadata = NULL WHERE job_id = ?");
  return ({ session, worker, platforms, limit, now }) => {
    if (limit < 1 || !findSession.get(session)) return [];
    // The head of each platform's queue, so that the cost does not depend on how long the queues are.
    const heads = [...new Set(platforms)].flatMap((platform) => nextJobs.all(platform, limit));
    return heads
      .sort(byRank)
      .slice(0, limit)
      .flatMap(([id, , queuedAt]) => {
        const [attempt = 1] = lease.get(session, worker, now, id) ?? [];
        const waitingSince = attempt > 1 ? (events.lastRetry(id) ?? queuedAt) : queuedAt;
        events.append(id, JobEventKind.ASSIGNMENT, now, { worker, attempt, queueMs: now - waitingSince });
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
