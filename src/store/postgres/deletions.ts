import { COMPLETED } from "../stages.ts";
import type { Store } from "../store.ts";
import { STALE, untilFresh } from "./attempts.ts";
import type { Database } from "./database.ts";
import { THIS_CHANGE } from "./statement.ts";

/** Who was away while more than about this many operations were deleted has to begin anew. */
export const MOST_DELETIONS = 100_000;

/**
 * Forgets the operations of `victim` (instance, id and job_id) with the jobs that are COMPLETED and lose their last one.
 * Jobs that have changed since they were seen keep all of theirs.
 */
const FORGET = `
  wanted AS (
    SELECT job_id, count(*) AS operations FROM victim GROUP BY job_id
  ), seen AS MATERIALIZED (
    SELECT j.id, j.version, wanted.operations, j.stage = ${COMPLETED} AND j.operations = wanted.operations AS goes
    FROM wanted JOIN jobs j ON j.id = wanted.job_id
  ), job AS (
    UPDATE jobs j SET version = j.version + 1, operations = j.operations - seen.operations
    FROM seen WHERE j.id = seen.id AND j.version = seen.version AND NOT seen.goes RETURNING j.id
  ), gone AS (
    DELETE FROM jobs j USING seen WHERE j.id = seen.id AND j.version = seen.version AND seen.goes RETURNING j.id
  ), operation AS (
    DELETE FROM operations o USING victim, (SELECT id FROM job UNION ALL SELECT id FROM gone) held
    WHERE o.instance = victim.instance AND o.id = victim.id AND o.job_id = held.id
    RETURNING o.row_id, o.instance, o.id
  ), note AS (
    INSERT INTO deleted_operations (changed, row_id, instance, id)
    SELECT ${THIS_CHANGE}, row_id, instance, id FROM operation
    RETURNING seq
  )`;

const DELETE = {
  name: "delete_operation",
  text: `
    WITH victim AS MATERIALIZED (
      SELECT instance, id, job_id FROM operations WHERE instance = $1 AND id = $2
    ), ${FORGET}
    SELECT victim.job_id, note.seq FROM victim LEFT JOIN note ON true`,
};

/** Forgets the operations that ended first. */
export const PRUNE = {
  name: "prune_operations",
  text: `
    WITH victim AS MATERIALIZED (
      SELECT instance, id, job_id FROM operations WHERE instance = $1 AND completed_at < $2
      ORDER BY completed_at NULLS FIRST LIMIT $3
    ), ${FORGET}
    SELECT (SELECT count(*) FROM victim), count(seq), max(seq) FROM note`,
};

const FORGET_DELETIONS = {
  name: "forget_deletions",
  text: `
    WITH old AS (DELETE FROM deleted_operations WHERE seq <= $1 RETURNING changed)
    UPDATE changes SET forgotten = greatest(forgotten, (SELECT max(changed) FROM old))`,
};

type DeletedRow = readonly [jobId: string, seq: number | null];
type PrunedRow = readonly [seen: number, pruned: number, lastSeq: number | null];

/** The transitions that forget operations. */
export function deletions(
  db: Database,
  mostDeletions = MOST_DELETIONS,
): Pick<Store, "deleteOperation" | "pruneOperations"> {
  const batch = Math.ceil(mostDeletions / 100);

  /** Every now and then. What was deleted is deleted even if this fails, which the next one makes up for. */
  async function trim(lastSeq: number, count: number): Promise<void> {
    if (Math.floor(lastSeq / batch) === Math.floor((lastSeq - count) / batch)) return;
    await db.query(FORGET_DELETIONS, [lastSeq - mostDeletions]).catch(() => {});
  }

  return {
    deleteOperation: ({ instance, id }) =>
      untilFresh(async () => {
        const [row] = await db.query<DeletedRow>(DELETE, [instance, id]);
        if (!row) return undefined;
        const [jobId, seq] = row;
        if (seq === null) return STALE;
        await trim(seq, 1);
        return jobId;
      }),

    pruneOperations: (instance, endedBefore, limit) =>
      untilFresh(async () => {
        const [row] = await db.query<PrunedRow>(PRUNE, [instance, endedBefore, limit]);
        const [seen, pruned, lastSeq] = row ?? [0, 0, null];
        if (lastSeq !== null) await trim(lastSeq, pruned);
        return seen > 0 && pruned === 0 ? STALE : pruned;
      }),
  };
}
