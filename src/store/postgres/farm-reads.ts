import { toDigest, toJobOperations, toProperties, toSession } from "../records.ts";
import { CALLER_COLUMNS, type JobOperationRow, SESSION_COLUMNS, type SessionRow } from "../rows.ts";
import { QUEUED } from "../stages.ts";
import type { BotKind, LeaseRecord, PlatformQueue, Store } from "../store.ts";
import type { Database } from "./database.ts";

/** The statements about the farm as a whole. */
export const farmQueries = {
  sessionPage: {
    name: "session_page",
    text: `
      SELECT ${SESSION_COLUMNS} FROM sessions WHERE name > $1 AND parent = ANY ($2) ORDER BY name LIMIT $3`,
  },
  leases: {
    name: "leases",
    text: `
      SELECT j.id, j.instance, j.digest_function, j.action_hash, j.action_size, j.assigned_at,
        array(SELECT o.id FROM operations o WHERE o.job_id = j.id ORDER BY o.id LIMIT 100)
      FROM jobs j WHERE j.session = $1 ORDER BY j.assigned_at, j.id`,
  },
  // Only the head of the queue is looked at, so that a long one costs no more.
  jobsAhead: {
    name: "jobs_ahead",
    text: `
      SELECT count(*) FROM jobs me CROSS JOIN LATERAL (
        SELECT priority, queued_at, id FROM jobs WHERE stage = ${QUEUED} AND platform_id = me.platform_id
        ORDER BY priority, queued_at, id LIMIT $2
      ) a
      WHERE me.id = $1 AND me.stage = ${QUEUED} AND (a.priority, a.queued_at, a.id) < (me.priority, me.queued_at, me.id)`,
  },
  botKinds: {
    name: "bot_kinds",
    text: `
      SELECT parent, properties, status, count(*) FILTER (WHERE leases < capacity),
        count(*) FILTER (WHERE leases >= capacity)
      FROM (
        SELECT s.parent, s.properties, s.status, s.capacity,
          (SELECT count(*) FROM jobs j WHERE j.session = s.name) AS leases
        FROM sessions s WHERE s.parent = ANY ($1)
      ) bot
      GROUP BY parent, properties, status`,
  },
  platformQueues: {
    name: "platform_queues",
    text: `
      SELECT p.instance, p.properties,
        (SELECT count(*) FROM jobs j WHERE j.stage = ${QUEUED} AND j.platform_id = p.id),
        coalesce(running.count, 0),
        (SELECT min(j.queued_at) FROM jobs j WHERE j.stage = ${QUEUED} AND j.platform_id = p.id)
      FROM platforms p LEFT JOIN (
        SELECT platform_id, count(*) FROM jobs WHERE session IS NOT NULL GROUP BY platform_id
      ) running ON running.platform_id = p.id
      WHERE p.instance = ANY ($1) ORDER BY p.id`,
  },
  jobOperations: {
    name: "job_operations",
    text: `
      SELECT o.id, o.instance, o.stage,
        (SELECT count(*) FROM operations live WHERE live.job_id = $1 AND live.completed_at IS NULL), ${CALLER_COLUMNS}
      FROM operations o WHERE o.job_id = $1 ORDER BY o.id LIMIT $2`,
  },
} as const;

type LeaseRow = readonly [
  jobId: string,
  instance: string,
  digestFunction: string,
  actionHash: string,
  actionSize: number,
  assignedAt: number,
  operations: string[],
];
type BotKindRow = readonly [parent: string, properties: string, status: number, idle: number, busy: number];
type PlatformRow = readonly [
  instance: string,
  properties: string,
  queued: number,
  executing: number,
  oldest: number | null,
];

/** The questions about the farm as a whole. */
export function farmReads(
  db: Database,
): Pick<Store, "sessionPage" | "leases" | "jobsAhead" | "botKinds" | "platformQueues" | "jobOperations"> {
  return {
    sessionPage: async ({ parents, after, limit }) =>
      (await db.query<SessionRow>(farmQueries.sessionPage, [after, parents, limit])).map(toSession),

    leases: async (session): Promise<LeaseRecord[]> =>
      (await db.query<LeaseRow>(farmQueries.leases, [session])).map(
        ([jobId, instance, name, hash, size, assignedAt, operations]) => {
          return { jobId, instance, assignedAt, action: toDigest(name, hash, size), operations };
        },
      ),

    jobsAhead: async (jobId, limit) => (await db.query<[number]>(farmQueries.jobsAhead, [jobId, limit]))[0]?.[0] ?? 0,

    botKinds: async (parents): Promise<BotKind[]> =>
      (await db.query<BotKindRow>(farmQueries.botKinds, [parents])).map(([parent, properties, status, idle, busy]) => {
        return { parent, properties: toProperties(properties), status, idle, busy };
      }),

    platformQueues: async (instances): Promise<PlatformQueue[]> =>
      (await db.query<PlatformRow>(farmQueries.platformQueues, [instances])).map(
        ([instance, properties, queued, executing, oldest]) => ({
          ...{ instance, queued, executing, oldestQueuedAt: oldest ?? undefined },
          properties: toProperties(properties),
        }),
      ),

    jobOperations: async (jobId, limit) =>
      toJobOperations(await db.query<JobOperationRow>(farmQueries.jobOperations, [jobId, limit])),
  };
}
