import type { DatabaseSync } from "node:sqlite";
import type { Digest } from "../../base/digests.ts";
import { prepare } from "./connection.ts";
import type { LongReads } from "./read-thread.ts";
import type { ThreadCalls } from "./thread-calls.ts";

const COUNT_ACTION_RESULTS = "SELECT count(*) FROM action_results WHERE instance = ?";

/** Finds one result. */
export const GET_ACTION_RESULT = `
  SELECT result, used_at FROM action_results
  WHERE instance = ? AND action_hash = ? AND action_size = ? AND digest_function = ?`;

/** The questions about the action cache. */
export function actionResultReads(db: DatabaseSync, longReads: ThreadCalls<LongReads>) {
  const get = prepare<readonly [result: Uint8Array, usedAt: number]>(db, GET_ACTION_RESULT);
  return {
    findActionResult: (instance: string, { hash, sizeBytes, fn }: Digest) => {
      const row = get.get(instance, hash, sizeBytes, fn.name);
      return row && { result: row[0], usedAt: row[1] };
    },

    countActionResults: async (instance: string): Promise<number> => {
      const [row] = await longReads.call("rows", COUNT_ACTION_RESULTS, [instance]);
      return Number(row?.[0]);
    },
  };
}
