import type { Clock, Timer } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { isDone } from "../operations/operations.ts";
import type { OperationKey, SharedStore, Store } from "../store/store.ts";
import type { Orphans } from "./orphans.ts";

/** What this process tells others of who follows here, and hears of who follows there. */
export interface FollowElsewhere {
  /** Somebody came who follows an operation that is not new. */
  tell(key: OperationKey): Promise<void>;
  /** Whether an operation that nobody follows here is kept all the same; then it is watched over again. */
  keeps(key: OperationKey, graceMs: number): Promise<boolean>;
  stop(): Promise<void>;
}

/** A process says several times within a grace that an operation is followed. */
const TIMES_A_GRACE = 3;
const RETRY_MS = 1000;

/**
 * An operation is an orphan when no process has followers of it. Each process has its own timers, and tells the others in
 * the store: at once of a client that came back, as its operation may be near the end of its grace elsewhere, and of all
 * others now and then. Most operations end before that. While the store is away nobody can tell, nor come back to an
 * operation, so every grace starts anew when it is there again.
 */
export function followElsewhere(deps: {
  store: Store;
  shared: SharedStore;
  clock: Clock;
  log: Logger;
  orphans: Orphans;
  /** The grace times of the instances that have one. */
  graces: readonly number[];
}): FollowElsewhere {
  const { store, shared, clock, log, orphans } = deps;
  const everyMs = Math.min(...deps.graces) / TIMES_A_GRACE;
  let telling: Promise<void> = Promise.resolve();
  let timer: Timer | undefined;
  let stopped = false;
  let isAway = false;
  let lastAway = Number.NEGATIVE_INFINITY;

  async function tellAll(): Promise<void> {
    try {
      await shared.markFollowed(orphans.followed());
      isAway = false;
    } catch (error) {
      if (!isAway) log.warn({ err: error }, "cannot tell other processes who is followed here");
      isAway = true;
      lastAway = clock.monotonic();
    }
  }

  function schedule(): void {
    if (stopped || everyMs === Number.POSITIVE_INFINITY) return;
    timer = clock.after(isAway ? Math.min(RETRY_MS, everyMs) : everyMs, () => {
      telling = tellAll().then(schedule);
    });
  }

  schedule();
  return {
    tell: (key) => shared.markFollowed([key]),
    keeps: async (key, graceMs) => {
      const record = await store.getOperation(key);
      if (!record || isDone(record)) return true;
      const wasAway = isAway || clock.monotonic() - lastAway < graceMs;
      if (!record.polled && !wasAway && !(await shared.wasFollowed(key, graceMs))) return false;
      orphans.watchOver(key, record.polled);
      return true;
    },
    stop: () => {
      stopped = true;
      timer?.cancel();
      return telling;
    },
  };
}
