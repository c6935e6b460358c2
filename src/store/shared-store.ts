import type { Clock } from "../base/clock.ts";
import type { ChangePosition, OperationKey } from "./store.ts";

/** What other processes did to jobs, and the position after it. */
export interface News {
  /** The jobs whose operations have changed. */
  readonly jobs: readonly string[];
  /** The platforms of those of them that were queued when this was read. */
  readonly queued: ReadonlyMap<string, number>;
  readonly position: ChangePosition;
  /** Whether there may be more to read at once. */
  readonly more: boolean;
}

/** What the processes on one store tell each other. Times are of the store's own clock. */
export interface SharedStore {
  /** The store's time, the same for all processes: whatever is written to the store, or compared with it, goes by this. */
  readonly clock: Clock;
  /** Remembers that somebody follows these operations now. */
  markFollowed(keys: readonly OperationKey[]): Promise<void>;
  /** Whether that was said of an operation within the time. */
  wasFollowed(key: OperationKey, withinMs: number): Promise<boolean>;
  /**
   * What has happened after a position, but for most of what this process did itself; of at most `limit` operations.
   * Undefined when the position is none of this database: then anything may have happened.
   */
  newsAfter(position: ChangePosition, limit: number): Promise<News | undefined>;
  /** Takes a duty for a time, or keeps it for longer; false while another process has it. */
  holdDuty(name: string, forMs: number): Promise<boolean>;
}
