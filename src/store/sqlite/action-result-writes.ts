import type { DatabaseSync } from "node:sqlite";
import { prepare } from "./connection.ts";
import type { PlainDigest } from "./write-requests.ts";

const KEY = "instance = ? AND action_hash = ? AND action_size = ? AND digest_function = ?";

const PUT = `
  INSERT INTO action_results (instance, action_hash, action_size, digest_function, used_at, result)
  VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (instance, action_hash, action_size, digest_function)
  DO UPDATE SET used_at = excluded.used_at, result = excluded.result`;

const REMOVE_OLDEST = `
  DELETE FROM action_results
  WHERE id IN (SELECT id FROM action_results WHERE instance = ? ORDER BY used_at, id LIMIT ?)`;

/** The transitions of the action cache. */
export function actionResultWrites(db: DatabaseSync) {
  const put = prepare(db, PUT);
  const touch = prepare(db, `UPDATE action_results SET used_at = ? WHERE ${KEY} AND used_at < ?`);
  const remove = prepare(db, `DELETE FROM action_results WHERE ${KEY}`);
  const removeOldest = prepare(db, REMOVE_OLDEST);
  return {
    putActionResult: (instance: string, action: PlainDigest, result: Uint8Array, now: number): void =>
      void put.run(instance, action.hash, action.sizeBytes, action.functionName, now, result),

    touchActionResult: (instance: string, action: PlainDigest, now: number): void =>
      void touch.run(now, instance, action.hash, action.sizeBytes, action.functionName, now),

    deleteActionResult: (instance: string, action: PlainDigest): void =>
      void remove.run(instance, action.hash, action.sizeBytes, action.functionName),

    removeOldestActionResults: (instance: string, count: number): number => removeOldest.run(instance, count),
  };
}
