import type { Clock, Timer } from "../base/clock.ts";
import { Code } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { failedOutcome, type JobRecord } from "../operations/operations.ts";
import type { Store } from "../store/store.ts";
import { byServer, type Jobs } from "./jobs.ts";
import type { Sessions } from "./sessions.ts";
import type { SchedulerSettings } from "./settings.ts";

/** What a worker may need beside the command's own time, for inputs and outputs, before the server gives up on it. */
export const TRANSFER_ALLOWANCE_MS = 10 * 60_000;

const BATCH = 1000;

/** How late a process may be before another has its duties. */
const TAKE_OVER_MS = 5000;

/** The work that is done now and then. */
export interface Duties {
  /** Does each duty once. */
  run(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the periodic duties: expired bot sessions, jobs that ran or waited for too long. */
export function startDuties(deps: {
  store: Store;
  clock: Clock;
  log: Logger;
  jobs: Jobs;
  sessions: Sessions;
  instances: readonly string[];
  settingsOf: (instance: string) => SchedulerSettings;
  everyMs: number;
  /**
   * Bot sessions get this long after the start, and after the store could not be used, before the first can expire: bots
   * could not reach a server that was down, nor a store that was away.
   */
  sessionGraceMs: number;
}): Duties {
  const { store, clock, jobs } = deps;
  let reachableSince = clock.now();
  let running: Promise<void> = Promise.resolve();
  let timer: Timer;
  let stopped = false;

  async function end(job: JobRecord, code: Code, reason: string) {
    const { session } = job;
    const outcome = failedOutcome(code, reason);
    await jobs.complete(job, {
      ...{ session, outcome, actionResult: undefined, startedAt: undefined },
      cause: byServer(reason),
    });
  }

  async function endOverdue() {
    for (const job of await store.overdueJobs(clock.now(), TRANSFER_ALLOWANCE_MS, BATCH)) {
      await end(job, Code.DeadlineExceeded, `not finished ${job.timeoutMs / 1000} s after ${job.worker} got it`);
    }
  }

  async function endUnserved(instance: string) {
    const { queueTimeoutMs } = deps.settingsOf(instance);
    if (queueTimeoutMs === 0) return;
    for (const job of await store.jobsQueuedBefore(instance, clock.now() - queueTimeoutMs, BATCH)) {
      await end(job, Code.Unavailable, `no bot took it within ${queueTimeoutMs / 1000} s: ${wants(job)}`);
    }
  }

  /** Of several processes one has the duties, until it ends or fails to keep them. */
  const isMine = async () => (await store.shared?.holdDuty("duties", deps.everyMs + TAKE_OVER_MS)) ?? true;

  async function run() {
    if (!(await isMine())) return;
    if (clock.now() >= reachableSince + deps.sessionGraceMs) await deps.sessions.closeExpired();
    await endOverdue();
    for (const instance of deps.instances) await endUnserved(instance);
  }

  function schedule() {
    timer = clock.after(deps.everyMs, () => {
      running = run()
        .catch((error: unknown) => {
          reachableSince = clock.now();
          deps.log.error({ err: error }, "a periodic duty failed");
        })
        .then(() => {
          if (!stopped) schedule();
        });
    });
  }

  schedule();
  return {
    run,
    stop: () => {
      stopped = true;
      timer.cancel();
      return running;
    },
  };
}

function wants(job: JobRecord): string {
  return job.platform.length === 0
    ? "it fits any bot"
    : `it wants ${job.platform.map((property) => `${property.name}=${property.value}`).join(", ")}`;
}
