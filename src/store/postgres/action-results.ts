import type { Digest } from "../../base/digests.ts";
import type { Store } from "../store.ts";
import type { Database } from "./database.ts";
import type { Param } from "./statement.ts";

const KEY = "instance = $1 AND action_hash = $2 AND action_size = $3 AND digest_function = $4";

/** The statements about the action cache. */
export const actionResultQueries = {
  get: { name: "get_action_result", text: `SELECT result, used_at FROM action_results WHERE ${KEY}` },
  touch: {
    name: "touch_action_result",
    text: `UPDATE action_results SET used_at = $5 WHERE ${KEY} AND used_at < $5`,
  },
  put: {
    name: "put_action_result",
    text: `
      INSERT INTO action_results (instance, action_hash, action_size, digest_function, used_at, result)
      VALUES ($1, $2, $3, $4, $5, $6)
      ON CONFLICT (instance, action_hash, action_size, digest_function)
      DO UPDATE SET used_at = excluded.used_at, result = excluded.result`,
  },
  remove: { name: "delete_action_result", text: `DELETE FROM action_results WHERE ${KEY}` },
  count: { name: "count_action_results", text: "SELECT count(*) FROM action_results WHERE instance = $1" },
  removeOldest: {
    name: "delete_oldest_action_results",
    text: `
      WITH oldest AS MATERIALIZED (
        SELECT id FROM action_results WHERE instance = $1 ORDER BY used_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
      ), gone AS (
        DELETE FROM action_results USING oldest WHERE action_results.id = oldest.id RETURNING 1
      )
      SELECT count(*) FROM gone`,
  },
} as const;

/** How old the recorded use of a result becomes before a read costs a write. */
const USE_RESOLUTION_MS = 60 * 60 * 1000;

/** How many results one transaction removes, so that nobody waits for it long. */
const PRUNE_STEP = 1000;

type ResultRow = readonly [result: Uint8Array, usedAt: number];
type ActionResults = Pick<Store, "getActionResult" | "putActionResult" | "deleteActionResult" | "pruneActionResults">;

/** The part of the store that is the action cache. */
export function actionResults(db: Database): ActionResults {
  const { get, touch, put, remove, count, removeOldest } = actionResultQueries;
  return {
    getActionResult: async (instance, action, now) => {
      const key = keyOf(instance, action);
      const [row] = await db.query<ResultRow>(get, key);
      if (!row) return undefined;
      const [result, usedAt] = row;
      // The answer is the same when this fails; the next read tries again.
      if (now - usedAt > USE_RESOLUTION_MS) await db.query(touch, [...key, now]).catch(() => {});
      return result;
    },

    putActionResult: async (instance, action, result, now) =>
      void (await db.query(put, [...keyOf(instance, action), now, result])),

    deleteActionResult: async (instance, action) => void (await db.query(remove, keyOf(instance, action))),

    pruneActionResults: async (instance, keep) => {
      const [[total] = [0]] = await db.query<[number]>(count, [instance]);
      const excess = total - keep;
      let removed = 0;
      while (removed < excess) {
        const step = Math.min(excess - removed, PRUNE_STEP);
        const [[gone] = [0]] = await db.query<[number]>(removeOldest, [instance, step]);
        if (gone === 0) break;
        removed += gone;
      }
      return removed;
    },
  };
}

function keyOf(instance: string, { hash, sizeBytes, fn }: Digest): Param[] {
  return [instance, hash, sizeBytes, fn.name];
}
