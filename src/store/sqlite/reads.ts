import type { DatabaseSync } from "node:sqlite";
import { actionResultReads } from "./action-result-reads.ts";
import { changeReads } from "./change-reads.ts";
import { farmReads } from "./farm-reads.ts";
import { figureReads } from "./figures.ts";
import { jobReads } from "./job-reads.ts";
import { operationReads } from "./operation-reads.ts";
import type { LongReads } from "./read-thread.ts";
import { sessionReads } from "./session-reads.ts";
import type { ThreadCalls } from "./thread-calls.ts";

/** Prepares all that asks the store, on a connection of this thread. */
export function createReads(db: DatabaseSync, longReads: ThreadCalls<LongReads>) {
  return {
    ...operationReads(db, longReads),
    ...changeReads(db),
    ...jobReads(db),
    ...sessionReads(db),
    ...farmReads(db, longReads),
    ...actionResultReads(db, longReads),
    ...figureReads(longReads),
  };
}

/** The questions that the store answers. */
export type Reads = ReturnType<typeof createReads>;
