import type { DatabaseSync } from "node:sqlite";
import type { JobRecord } from "../../operations/operations.ts";
import { type JobEvent, JobEventKind } from "../job-event.ts";
import { toJob, toProperties } from "../records.ts";
import { JOB_COLUMNS, type JobRow } from "../rows.ts";
import { COMPLETED, EXECUTING, QUEUED } from "../stages.ts";
import type { PlatformRecord } from "../store.ts";
import { prepare, type SqlValue } from "./connection.ts";
import { JOB_JOINS } from "./joins.ts";

const SELECT = `SELECT ${JOB_COLUMNS} FROM jobs j ${JOB_JOINS}`;

/** The texts of the statements, each behind an index of the same name in docs/store.md. */
export const jobQueries = {
  get: `${SELECT} WHERE j.id = ?`,
  leased: `${SELECT} WHERE j.session = ? ORDER BY j.assigned_at, j.id`,
  live: `${SELECT} WHERE j.stage < ${COMPLETED} ORDER BY j.instance, j.queued_at, j.id`,
  liveOfInstance: `${SELECT} WHERE j.instance = ? AND j.stage < ${COMPLETED} ORDER BY j.queued_at, j.id`,
  overdue: `
    ${SELECT} WHERE j.stage = ${EXECUTING} AND j.assigned_at + j.timeout_ms < ?
    ORDER BY j.assigned_at + j.timeout_ms LIMIT ?`,
  queuedBefore: `
    ${SELECT} WHERE j.instance = ? AND j.stage < ${COMPLETED} AND j.stage = ${QUEUED} AND j.queued_at < ?
    ORDER BY j.queued_at, j.id LIMIT ?`,
  history: `
    SELECT ${JobEventKind.CREATION} AS kind, queued_at AS at, '{}' AS facts, 0 AS seq FROM jobs WHERE id = ?1
    UNION ALL SELECT kind, at, facts, seq FROM job_events WHERE job_id = ?1 ORDER BY seq LIMIT 1000`,
  platforms: "SELECT id, instance, properties FROM platforms WHERE id > ? ORDER BY id",
} as const;

/** The questions about jobs. */
export function jobReads(db: DatabaseSync) {
  const get = prepare<JobRow>(db, jobQueries.get);
  const jobs = (sql: string) => {
    const statement = prepare<JobRow>(db, sql);
    return (...params: SqlValue[]): JobRecord[] => statement.all(...params).map(toJob);
  };
  const leased = jobs(jobQueries.leased);
  const live = jobs(jobQueries.live);
  const liveOfInstance = jobs(jobQueries.liveOfInstance);
  const overdue = jobs(jobQueries.overdue);
  const queuedBefore = jobs(jobQueries.queuedBefore);
  const history = prepare<[kind: JobEventKind, at: number, facts: string]>(db, jobQueries.history);
  const platforms = prepare<[id: number, instance: string, properties: string]>(db, jobQueries.platforms);
  return {
    getJob: (jobId: string): JobRecord | undefined => {
      const row = get.get(jobId);
      return row && toJob(row);
    },
    history: (jobId: string): JobEvent[] =>
      history.all(jobId).map(([kind, at, facts]) => ({ kind, at, facts: JSON.parse(facts) })),
    leasedJobs: (session: string) => leased(session),
    liveJobs: (instance: string | undefined) => (instance === undefined ? live() : liveOfInstance(instance)),
    overdueJobs: (now: number, allowanceMs: number, limit: number) => overdue(now - allowanceMs, limit),
    jobsQueuedBefore: (instance: string, before: number, limit: number) => queuedBefore(instance, before, limit),
    platforms: (afterId: number): PlatformRecord[] =>
      platforms
        .all(afterId)
        .map(([id, instance, properties]) => ({ id, instance, properties: toProperties(properties) })),
  };
}
