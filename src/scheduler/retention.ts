import type { Clock, Timer } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Store } from "../store/store.ts";
import type { SchedulerSettings } from "./settings.ts";

/** Forgets what ended long ago. */
export interface Retention {
  /** Forgets one batch of each instance; answers true when there may be more. */
  run(): Promise<boolean>;
  stop(): Promise<void>;
}

/** Operations that one transaction forgets: small, so that the writes that wait behind it hardly notice. */
export const RETENTION_BATCH = 200;

/** Between two batches others write; together this forgets 2,000 operations a second. */
const PAUSE_MS = 100;

const EVERY_MS = 60_000;

/** Starts forgetting the completed operations of each instance when they reach its age, batch by batch with pauses. */
export function startRetention(deps: {
  store: Store;
  clock: Clock;
  log: Logger;
  instances: readonly string[];
  settingsOf: (instance: string) => SchedulerSettings;
}): Retention {
  const { store, clock, log } = deps;
  let running: Promise<void> = Promise.resolve();
  let timer: Timer;
  let stopped = false;

  async function run(): Promise<boolean> {
    if ((await store.shared?.holdDuty("retention", 2 * EVERY_MS)) === false) return false;
    let more = false;
    for (const instance of deps.instances) {
      const { retentionMs } = deps.settingsOf(instance);
      if (retentionMs === 0 || stopped) continue;
      const count = await store.pruneOperations(instance, clock.now() - retentionMs, RETENTION_BATCH);
      if (count > 0) log.debug({ instance, count }, "completed operations are past retention");
      more ||= count === RETENTION_BATCH;
    }
    return more;
  }

  function schedule(delayMs: number) {
    timer = clock.after(delayMs, () => {
      running = run()
        .catch((error: unknown) => {
          log.error({ err: error }, "cannot forget old operations");
          return false;
        })
        .then((more) => {
          if (!stopped) schedule(more ? PAUSE_MS : EVERY_MS);
        });
    });
  }

  schedule(EVERY_MS);
  return {
    run,
    stop: () => {
      stopped = true;
      timer.cancel();
      return running;
    },
  };
}
