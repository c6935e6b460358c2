import type { JobRecord } from "../../operations/operations.ts";
import { type JobEvent, JobEventKind } from "../job-event.ts";
import { toJob, toProperties } from "../records.ts";
import { JOB_COLUMNS, type JobRow } from "../rows.ts";
import { COMPLETED, EXECUTING, QUEUED } from "../stages.ts";
import type { PlatformRecord, Store } from "../store.ts";
import type { Database } from "./database.ts";
import { JOB_JOINS } from "./joins.ts";
import { type Param, plainText, type Statement } from "./statement.ts";
import { together } from "./together.ts";

const SELECT = `SELECT ${JOB_COLUMNS} FROM jobs j ${JOB_JOINS}`;

/** The statements, each behind an index that docs/store.md names. */
export const jobQueries = {
  get: { name: "get_job", text: `${SELECT} WHERE j.id = $1` },
  // In the order of the index, so that it is that which is walked along: other ways visit again and again what a session held
  // until it is vacuumed away.
  leased: {
    name: "leased_jobs",
    text: `
      SELECT ${JOB_COLUMNS} FROM unnest($1::text[]) AS holder (name) CROSS JOIN LATERAL (
        SELECT * FROM jobs WHERE session = holder.name ORDER BY assigned_at, id
      ) j ${JOB_JOINS} ORDER BY j.assigned_at, j.id`,
  },
  live: {
    name: "live_jobs",
    text: `${SELECT} WHERE j.stage < ${COMPLETED} ORDER BY j.instance, j.queued_at, j.id`,
  },
  liveOfInstance: {
    name: "live_jobs_of_instance",
    text: `${SELECT} WHERE j.instance = $1 AND j.stage < ${COMPLETED} ORDER BY j.queued_at, j.id`,
  },
  overdue: {
    name: "overdue_jobs",
    text: `
      ${SELECT} WHERE j.stage = ${EXECUTING} AND j.assigned_at + j.timeout_ms < $1::bigint
      ORDER BY j.assigned_at + j.timeout_ms LIMIT $2`,
  },
  queuedBefore: {
    name: "jobs_queued_before",
    text: `
      ${SELECT} WHERE j.instance = $1 AND j.stage < ${COMPLETED} AND j.stage = ${QUEUED} AND j.queued_at < $2
      ORDER BY j.queued_at, j.id LIMIT $3`,
  },
  history: {
    name: "history",
    text: `
      SELECT kind, at, facts FROM (
        SELECT ${JobEventKind.CREATION} AS kind, queued_at AS at, '{}' AS facts, 0 AS seq FROM jobs WHERE id = $1
        UNION ALL (SELECT kind, at, facts, seq FROM job_events WHERE job_id = $1 ORDER BY seq LIMIT 999)
      ) event ORDER BY seq`,
  },
  platforms: { name: "platforms", text: "SELECT id, instance, properties FROM platforms WHERE id > $1 ORDER BY id" },
} as const;

type EventRow = readonly [kind: JobEventKind, at: number, facts: string];
type PlatformRow = readonly [id: number, instance: string, properties: string];

type JobReads = Pick<
  Store,
  "getJob" | "history" | "leasedJobs" | "liveJobs" | "overdueJobs" | "jobsQueuedBefore" | "platforms"
>;

/** The questions about jobs. */
export function jobReads(db: Database): JobReads {
  const jobs = async (statement: Statement, ...params: Param[]) =>
    (await db.query<JobRow>(statement, params)).map(toJob);
  const leasedJobs = together<string, JobRecord[]>(async (questions) => {
    const sessions = [...new Set(questions.map(({ key }) => key))];
    const held = Map.groupBy(await jobs(jobQueries.leased, sessions), ({ session }) => session);
    for (const { key, resolve } of questions) resolve(held.get(plainText(key)) ?? []);
  });
  const platforms = together<number, PlatformRecord[]>(async (questions) => {
    const known = Math.min(...questions.map(({ key }) => key));
    const records = (await db.query<PlatformRow>(jobQueries.platforms, [known])).map(toPlatform);
    for (const { key, resolve } of questions) resolve(records.filter(({ id }) => id > key));
  });

  return {
    getJob: async (jobId) => (await jobs(jobQueries.get, jobId))[0],
    history: async (jobId): Promise<JobEvent[]> =>
      (await db.query<EventRow>(jobQueries.history, [jobId])).map(([kind, at, facts]) => {
        return { kind, at, facts: JSON.parse(facts) };
      }),
    leasedJobs,
    liveJobs: (instance) =>
      instance === undefined ? jobs(jobQueries.live) : jobs(jobQueries.liveOfInstance, instance),
    overdueJobs: (now, allowanceMs, limit) => jobs(jobQueries.overdue, now - allowanceMs, limit),
    jobsQueuedBefore: (instance, before, limit) => jobs(jobQueries.queuedBefore, instance, before, limit),
    platforms,
  };
}

function toPlatform([id, instance, properties]: PlatformRow): PlatformRecord {
  return { id, instance, properties: toProperties(properties) };
}
