import type { DatabaseSync } from "node:sqlite";
import { prepare } from "./connection.ts";

/** Numbers the changes, each in the transaction of what it counts. */
export interface ChangeStatements {
  /** The number of the next change. One that is rolled back leaves a gap. */
  next(): number;
  /** Counts the deletion of an operation. */
  noteDeletion(instance: string, id: string): void;
}

/** Who was away while more than this many operations were deleted has to begin anew. */
export const MOST_DELETIONS = 100_000;

/** The number of the last change. */
export const LAST_CHANGE = `
  SELECT max(
    coalesce((SELECT changed FROM operations WHERE changed > 0 ORDER BY changed DESC LIMIT 1), 0),
    coalesce((SELECT changed FROM deleted_operations ORDER BY changed DESC LIMIT 1), 0))`;

const FORGET_DELETIONS = `
  DELETE FROM deleted_operations WHERE changed IN (SELECT changed FROM deleted_operations ORDER BY changed LIMIT ?)
  RETURNING changed`;

/** Prepares the statements. */
export function createChangeStatements(db: DatabaseSync, mostDeletions = MOST_DELETIONS): ChangeStatements {
  const insert = prepare(db, "INSERT INTO deleted_operations (changed, instance, id) VALUES (?, ?, ?)");
  const forget = prepare<[changed: number]>(db, FORGET_DELETIONS);
  const putForgotten = prepare(db, "UPDATE changes SET forgotten = ?");
  const batch = Math.ceil(mostDeletions / 100);
  let last = prepare<[number]>(db, LAST_CHANGE).get()?.[0] ?? 0;
  let deletions = prepare<[number]>(db, "SELECT count(*) FROM deleted_operations").get()?.[0] ?? 0;

  function next(): number {
    last += 1;
    return last;
  }

  return {
    next,
    noteDeletion: (instance, id) => {
      insert.run(next(), instance, id);
      deletions += 1;
      if (deletions < mostDeletions + batch) return;
      // A deletion that is rolled back was counted all the same: then some go early, and who reads is told.
      deletions -= batch;
      putForgotten.run(Math.max(...forget.all(batch).map(([changed]) => changed)));
    },
  };
}
