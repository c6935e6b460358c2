import type { Logger } from "../../base/log.ts";
import type { Store } from "../store.ts";
import type { Reads } from "./reads.ts";
import type { ThreadCalls } from "./thread-calls.ts";
import { plainDigest, trim } from "./write-requests.ts";
import type { Writes } from "./writes.ts";

/** What the action cache needs of the store. */
export interface ActionResultsDeps {
  readonly reads: Reads;
  readonly writer: ThreadCalls<Writes>;
  readonly log: Logger;
  /** Asks a question while the store is open; makes typed errors of failures. */
  ask<T>(question: () => T | Promise<T>): Promise<T>;
}

type ActionResults = Pick<Store, "getActionResult" | "putActionResult" | "deleteActionResult" | "pruneActionResults">;

/** How old the recorded use of a result becomes before a read costs a write. */
const USE_RESOLUTION_MS = 60 * 60 * 1000;

/** How many results one transaction removes, so that other writes need not wait long. */
const PRUNE_STEP = 1000;

/** The part of the store that is the action cache. */
export function createActionResults({ reads, writer, log, ask }: ActionResultsDeps): ActionResults {
  return {
    getActionResult: async (instance, action, now) => {
      const found = await ask(() => reads.findActionResult(instance, action));
      if (found && now - found.usedAt > USE_RESOLUTION_MS) {
        // The answer does not wait for this; disposal of the store does.
        writer
          .call("touchActionResult", instance, plainDigest(action), now)
          .catch((err: unknown) => log.warn({ err, instance }, "the use of an action result was not recorded"));
      }
      return found?.result;
    },

    putActionResult: (instance, action, result, now) =>
      writer.call("putActionResult", instance, plainDigest(action), trim(result), now),

    deleteActionResult: (instance, action) => writer.call("deleteActionResult", instance, plainDigest(action)),

    pruneActionResults: async (instance, keep) => {
      const excess = (await ask(() => reads.countActionResults(instance))) - keep;
      let removed = 0;
      while (removed < excess) {
        const count = await writer.call("removeOldestActionResults", instance, Math.min(excess - removed, PRUNE_STEP));
        if (count === 0) break;
        removed += count;
      }
      return removed;
    },
  };
}
