import type { DatabaseSync } from "node:sqlite";
import { actionResultWrites } from "./action-result-writes.ts";
import { createJobStatements } from "./job-statements.ts";
import { jobWrites } from "./job-writes.ts";
import { operationWrites } from "./operation-writes.ts";
import { sessionWrites } from "./session-writes.ts";
import { submitWrites } from "./submit-writes.ts";

/** Prepares all that changes the store. Each function must run inside a transaction. */
export function createWrites(db: DatabaseSync) {
  const jobs = createJobStatements(db);
  return {
    ...submitWrites(db, jobs),
    ...operationWrites(db, jobs),
    ...jobWrites(db, jobs),
    ...sessionWrites(db),
    ...actionResultWrites(db),
  };
}

/** The calls that the writing thread serves. */
export type Writes = ReturnType<typeof createWrites>;
