import type { Clock } from "../base/clock.ts";
import type { OperationKey } from "./store.ts";

/** What the processes on one store tell each other. Times are of the store's own clock. */
export interface SharedStore {
  /** The store's time, the same for all processes: whatever is written to the store, or compared with it, goes by this. */
  readonly clock: Clock;
  /** Remembers that somebody follows these operations now. */
  markFollowed(keys: readonly OperationKey[]): Promise<void>;
  /** Whether that was said of an operation within the time. */
  wasFollowed(key: OperationKey, withinMs: number): Promise<boolean>;
  /** Takes a duty for a time, or keeps it for longer; false while another process has it. */
  holdDuty(name: string, forMs: number): Promise<boolean>;
}
