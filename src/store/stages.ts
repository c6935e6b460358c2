import type { Stage } from "../operations/operations.ts";

// The values again, checked by the compiler: importing them would load that whole room, wire code included, into every
// thread.

/** Waits for a bot. */
export const QUEUED: typeof Stage.QUEUED = 2;
/** Held by a bot session. */
export const EXECUTING: typeof Stage.EXECUTING = 3;
/** Ended for good. */
export const COMPLETED: typeof Stage.COMPLETED = 4;
/** All stages, in order. */
export const STAGES: readonly Stage[] = [0, 1, QUEUED, EXECUTING, COMPLETED];
