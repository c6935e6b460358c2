import type { DatabaseSync } from "node:sqlite";
import { toDigest, toJobOperations, toProperties, toSession } from "../records.ts";
import { CALLER_COLUMNS, type JobOperationRow, SESSION_COLUMNS, type SessionRow } from "../rows.ts";
import { QUEUED } from "../stages.ts";
import type { BotKind, JobOperations, LeaseRecord, PlatformQueue, SessionQuery, SessionRecord } from "../store.ts";
import { prepare } from "./connection.ts";
import type { LongReads } from "./read-thread.ts";
import type { ThreadCalls } from "./thread-calls.ts";

/** The items of a parameter that is a list in JSON. */
const ITEMS = "(SELECT value FROM json_each(?))";

/** The texts of the statements about the farm as a whole. */
export const farmQueries = {
  sessionPage: `
    SELECT ${SESSION_COLUMNS} FROM sessions WHERE name > ? AND parent IN ${ITEMS} ORDER BY name LIMIT ?`,
  leases: `
    SELECT j.id, j.instance, j.digest_function, j.action_hash, j.action_size, j.assigned_at, (
      SELECT json_group_array(id) FROM (SELECT o.id FROM operations o WHERE o.job_id = j.id ORDER BY o.id LIMIT 100))
    FROM jobs j WHERE j.session = ? ORDER BY j.assigned_at, j.id`,
  // Only the head of the queue is looked at, so that a long one costs no more.
  jobsAhead: `
    SELECT count(*) FROM (
      SELECT priority, queued_at, id FROM jobs
      WHERE stage = ${QUEUED} AND platform_id = (SELECT platform_id FROM jobs WHERE id = ?1)
      ORDER BY priority, queued_at, id LIMIT ?2
    ) a CROSS JOIN jobs me ON me.id = ?1 AND me.stage = ${QUEUED}
    WHERE (a.priority, a.queued_at, a.id) < (me.priority, me.queued_at, me.id)`,
  botKinds: `
    SELECT parent, properties, status, sum(leases < capacity), sum(leases >= capacity) FROM (
      SELECT s.parent, s.properties, s.status, s.capacity,
        (SELECT count(*) FROM jobs j WHERE j.session = s.name) AS leases
      FROM sessions s WHERE s.parent IN ${ITEMS})
    GROUP BY parent, properties, status`,
  platformQueues: `
    SELECT p.instance, p.properties,
      (SELECT count(*) FROM jobs j WHERE j.stage = ${QUEUED} AND j.platform_id = p.id),
      coalesce(x.executing, 0),
      (SELECT min(j.queued_at) FROM jobs j WHERE j.stage = ${QUEUED} AND j.platform_id = p.id)
    FROM platforms p LEFT JOIN (
      SELECT platform_id, count(*) AS executing FROM jobs WHERE session IS NOT NULL GROUP BY platform_id
    ) x ON x.platform_id = p.id
    WHERE p.instance IN ${ITEMS} ORDER BY p.id`,
  jobOperations: `
    SELECT o.id, o.instance, o.stage,
      (SELECT count(*) FROM operations live WHERE live.job_id = ?1 AND live.completed_at IS NULL), ${CALLER_COLUMNS}
    FROM operations o WHERE o.job_id = ?1 ORDER BY o.id LIMIT ?2`,
} as const;

type LeaseRow = readonly [
  jobId: string,
  instance: string,
  digestFunction: string,
  actionHash: string,
  actionSize: number,
  assignedAt: number,
  operations: string,
];
type BotKindRow = readonly [parent: string, properties: string, status: number, idle: number, busy: number];
type PlatformRow = readonly [
  instance: string,
  properties: string,
  queued: number,
  executing: number,
  oldest: number | null,
];

/** The questions about the farm as a whole; those that count its parts go to another thread. */
export function farmReads(db: DatabaseSync, longReads: ThreadCalls<LongReads>) {
  const sessionPage = prepare<SessionRow>(db, farmQueries.sessionPage);
  const leases = prepare<LeaseRow>(db, farmQueries.leases);
  const jobsAhead = prepare<[number]>(db, farmQueries.jobsAhead);
  return {
    sessionPage: ({ parents, after, limit }: SessionQuery): SessionRecord[] =>
      sessionPage.all(after, JSON.stringify(parents), limit).map(toSession),

    leases: (session: string): LeaseRecord[] =>
      leases.all(session).map(([jobId, instance, name, hash, size, assignedAt, operations]) => ({
        ...{ jobId, instance, assignedAt, action: toDigest(name, hash, size) },
        operations: JSON.parse(operations),
      })),

    jobsAhead: (jobId: string, limit: number): number => jobsAhead.get(jobId, limit)?.[0] ?? 0,

    botKinds: async (parents: SessionQuery["parents"]): Promise<BotKind[]> => {
      const rows = await longReads.call("rows", farmQueries.botKinds, [JSON.stringify(parents)]);
      return (rows as unknown as BotKindRow[]).map(([parent, properties, status, idle, busy]) => ({
        ...{ parent, status, idle, busy },
        properties: toProperties(properties),
      }));
    },

    platformQueues: async (instances: readonly string[]): Promise<PlatformQueue[]> => {
      const rows = await longReads.call("rows", farmQueries.platformQueues, [JSON.stringify(instances)]);
      return (rows as unknown as PlatformRow[]).map(([instance, properties, queued, executing, oldest]) => ({
        ...{ instance, queued, executing, oldestQueuedAt: oldest ?? undefined },
        properties: toProperties(properties),
      }));
    },

    jobOperations: async (jobId: string, limit: number): Promise<JobOperations> => {
      const rows = await longReads.call("rows", farmQueries.jobOperations, [jobId, limit]);
      return toJobOperations(rows as unknown as JobOperationRow[]);
    },
  };
}
