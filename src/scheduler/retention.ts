import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Store } from "../store/store.ts";
import { pause } from "./pause.ts";
import type { Duty, Turn } from "./rounds.ts";
import type { SchedulerSettings } from "./settings.ts";

/** Operations that one transaction forgets: small, so that the writes that wait behind it hardly notice. */
export const RETENTION_BATCH = 200;

/** Between two batches others write; together this forgets 2,000 operations a second. */
const PAUSE_MS = 100;

const EVERY_MS = 60_000;

/** Forgets the completed operations of each instance when they reach its age, batch by batch with pauses. */
export function retentionDuty(deps: {
  store: Store;
  clock: Clock;
  log: Logger;
  instances: readonly string[];
  settingsOf: (instance: string) => SchedulerSettings;
}): Duty {
  const { store, clock, log } = deps;

  /** Forgets one batch of each instance; answers true when there may be more. */
  async function forgetSome(turn: Turn): Promise<boolean> {
    let more = false;
    for (const instance of deps.instances) {
      const { retentionMs } = deps.settingsOf(instance);
      if (retentionMs === 0 || !turn.isMine()) continue;
      const count = await store.pruneOperations(instance, clock.now() - retentionMs, RETENTION_BATCH);
      if (count > 0) log.debug({ instance, count }, "completed operations are past retention");
      more ||= count === RETENTION_BATCH;
    }
    return more;
  }

  return {
    failure: "cannot forget old operations",
    everyMs: EVERY_MS,
    run: async (turn) => {
      while (await forgetSome(turn)) await pause(clock, PAUSE_MS, turn.signal);
    },
  };
}
