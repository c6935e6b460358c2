import type { DatabaseSync } from "node:sqlite";
import { actionResultWrites } from "./action-result-writes.ts";
import { createChangeStatements } from "./change-statements.ts";
import { createEventStatements } from "./event-statements.ts";
import { figureWrites } from "./figures.ts";
import { createJobStatements } from "./job-statements.ts";
import { jobWrites } from "./job-writes.ts";
import { operationWrites } from "./operation-writes.ts";
import { sessionWrites } from "./session-writes.ts";
import { submitWrites } from "./submit-writes.ts";

/** Prepares all that changes the store. Each function must run inside a transaction. */
export function createWrites(db: DatabaseSync) {
  const events = createEventStatements(db);
  const changes = createChangeStatements(db);
  const jobs = createJobStatements(db, events, changes);
  return {
    ...submitWrites(db, jobs, events, changes),
    ...operationWrites(db, jobs, events, changes),
    ...jobWrites(db, jobs, events),
    ...sessionWrites(db),
    ...actionResultWrites(db),
    ...figureWrites(db),
  };
}

/** The calls that the writing thread serves. */
export type Writes = ReturnType<typeof createWrites>;
