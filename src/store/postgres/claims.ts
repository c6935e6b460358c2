import { setImmediate as turn } from "node:timers/promises";
import type { JobRecord } from "../../operations/operations.ts";
import { JobEventKind } from "../job-event.ts";
import { toJob } from "../records.ts";
import { JOB_COLUMNS, type JobRow } from "../rows.ts";
import { EXECUTING, QUEUED } from "../stages.ts";
import type { Claim, Store } from "../store.ts";
import type { Database } from "./database.ts";
import { factsSql, jsonSql } from "./facts.ts";
import type { OwnChanges } from "./own-changes.ts";
import { THIS_CHANGE } from "./statement.ts";

/**
 * Hands out jobs to sessions of which each wants one, in the order of the arrays; who wants several is there several times.
 * Looks at the head of each platform's queue, so that the cost does not depend on how long the queues are. Claims of other
 * processes for the same platforms have been committed by then; what they took is not among what is seen. Locks the best of
 * it one by one until there are enough, passing over what others have locked or changed for other reasons. The sessions
 * cannot go meanwhile. The lock is the weak one, which leaves alone those who refer to the job. An empty queue costs no write.
 */
export const CLAIM = {
  name: "claim",
  text: `
    WITH head AS MATERIALIZED (
      SELECT * FROM queue_head($4::int[], $5)
    ), wish AS MATERIALIZED (
      SELECT wish.* FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS wish (session, worker, now, number)
      JOIN sessions s ON s.name = wish.session WHERE EXISTS (SELECT 1 FROM head) FOR KEY SHARE OF s
    ), slot AS MATERIALIZED (
      SELECT *, row_number() OVER (ORDER BY number) AS place FROM wish
    ), chosen AS MATERIALIZED (
      SELECT j.id FROM head JOIN jobs j ON j.id = head.id AND j.version = head.version AND j.stage = ${QUEUED}
      ORDER BY head.priority, head.queued_at, head.id LIMIT (SELECT count(*) FROM slot)
      FOR NO KEY UPDATE OF j SKIP LOCKED
    ), placed AS MATERIALIZED (
      SELECT id, row_number() OVER () AS place FROM chosen
    ), job AS (
      UPDATE jobs j SET version = j.version + 1, stage = ${EXECUTING}, attempts = j.attempts + 1, session = slot.session,
        worker = slot.worker, assigned_at = slot.now, started_at = NULL
      FROM placed JOIN slot USING (place) WHERE j.id = placed.id
      RETURNING j.*, slot.number
    ), payload AS (
      UPDATE job_payloads x SET partial_metadata = NULL FROM job WHERE x.job_id = job.id AND job.attempts > 1
    ), operation AS (
      UPDATE operations o SET stage = ${EXECUTING}, changed = ${THIS_CHANGE} FROM job
      WHERE o.job_id = job.id AND o.completed_at IS NULL
    ), event AS (
      INSERT INTO job_events (job_id, kind, at, facts)
      SELECT id, ${JobEventKind.ASSIGNMENT}, assigned_at, ${factsSql({
        worker: jsonSql("worker"),
        attempt: jsonSql("attempts"),
        queueMs: jsonSql(`assigned_at - coalesce((
          SELECT at FROM job_events e WHERE e.job_id = job.id AND kind = ${JobEventKind.RETRY} ORDER BY seq DESC LIMIT 1
        ), queued_at)`),
      })} FROM job
    )
    SELECT seen.count, j.number, CASE WHEN j.number IS NOT NULL THEN ${THIS_CHANGE} END, ${JOB_COLUMNS} FROM (SELECT count(*) FROM head WHERE EXISTS (SELECT 1 FROM slot)) seen
    LEFT JOIN (job j JOIN platforms p ON p.id = j.platform_id) ON true
    CROSS JOIN (SELECT NULL::bytea AS partial_metadata, NULL::bytea AS response) x
    ORDER BY j.priority, j.queued_at, j.id`,
};

/** How many jobs more than wanted are looked at, as others may be about to take the first. */
const SLACK = 32;

/** How often to look again where others held what was seen. What they leave to the queue, their change tells of. */
const MOST_LOOKS = 4;

/** How many jobs one statement hands out at most, but for a single claim that wants more. */
const MOST_TOGETHER = 100;

type ClaimRow = readonly [seen: number, number: number | null, change: number, ...job: JobRow];

/** A claim that waits for its answer. */
interface Wish {
  readonly claim: Claim;
  readonly jobs: JobRecord[];
  readonly resolve: (jobs: JobRecord[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The transition that hands out jobs. Of claims for the same platforms one is under way at a time; those that come
 * meanwhile, or in the same turn of the event loop, go together, so that processes do not wait for each other longer than need be.
 */
export function claims(db: Database, own: OwnChanges): Pick<Store, "claim"> {
  const queues = new Map<string, Wish[]>();

  async function serve(platforms: readonly number[], key: string, queue: Wish[]): Promise<void> {
    while (queue.length > 0) {
      await turn();
      const wishes = queue.splice(0, howManyTogether(queue));
      try {
        await handOut(platforms, wishes);
        for (const { resolve, jobs } of wishes) resolve(jobs);
      } catch (error) {
        // What an earlier look got is handed out all the same, or nobody would hear of it.
        for (const { resolve, reject, jobs } of wishes) jobs.length > 0 ? resolve(jobs) : reject(error);
      }
    }
    queues.delete(key);
  }

  async function handOut(platforms: readonly number[], wishes: readonly Wish[]): Promise<void> {
    let slack = SLACK;
    for (let look = 0; look < MOST_LOOKS; look++) {
      const slots = wishes.flatMap((wish) => Array.from({ length: wish.claim.limit - wish.jobs.length }, () => wish));
      if (slots.length === 0) return;
      const rows = await db.query<ClaimRow>(CLAIM, [
        ...[slots.map(({ claim }) => claim.session), slots.map(({ claim }) => claim.worker)],
        ...[slots.map(({ claim }) => claim.now), platforms, slots.length + slack],
      ]);
      let taken = 0;
      for (const [, number, change, ...row] of rows) {
        if (number === null) continue;
        own.add(change);
        slots[number - 1]?.jobs.push(toJob(row));
        taken += 1;
      }
      if ((rows[0]?.[0] ?? 0) <= taken) return;
      slack *= 4;
    }
  }

  return {
    claim: (claim) =>
      new Promise((resolve, reject) => {
        const platforms = [...new Set(claim.platforms)].sort((a, b) => a - b);
        if (platforms.length === 0 || claim.limit < 1) return resolve([]);
        const key = platforms.join();
        const wish = { claim, jobs: [], resolve, reject };
        const queue = queues.get(key);
        if (queue) return queue.push(wish);
        const fresh = [wish];
        queues.set(key, fresh);
        return void serve(platforms, key, fresh);
      }),
  };
}

/** How many wishes from the first on one statement can fulfil. */
function howManyTogether(wishes: readonly Wish[]): number {
  let slots = 0;
  const tooMany = wishes.findIndex(({ claim }, i) => {
    slots += claim.limit;
    return i > 0 && slots > MOST_TOGETHER;
  });
  return tooMany < 0 ? wishes.length : tooMany;
}
