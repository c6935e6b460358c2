import type { Clock } from "../base/clock.ts";
import { Code } from "../base/errors.ts";
import { failedOutcome, type JobRecord } from "../operations/operations.ts";
import type { Store } from "../store/store.ts";
import { byServer, type Jobs } from "./jobs.ts";
import type { Duty } from "./rounds.ts";
import type { Sessions } from "./sessions.ts";
import type { SchedulerSettings } from "./settings.ts";

/** What a worker may need beside the command's own time, for inputs and outputs, before the server gives up on it. */
const TRANSFER_ALLOWANCE_MS = 10 * 60_000;

const BATCH = 1000;

/** Ends what is out of time: bot sessions without an update, jobs that ran or waited for too long. */
export function expiryDuty(deps: {
  store: Store;
  clock: Clock;
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
}): Duty {
  const { store, clock, jobs } = deps;

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

  return {
    failure: "a periodic duty failed",
    everyMs: deps.everyMs,
    run: async (turn) => {
      if (turn.usableForMs() >= deps.sessionGraceMs) await deps.sessions.closeExpired();
      await endOverdue();
      for (const instance of deps.instances) await endUnserved(instance);
    },
  };
}

function wants(job: JobRecord): string {
  return job.platform.length === 0
    ? "it fits any bot"
    : `it wants ${job.platform.map((property) => `${property.name}=${property.value}`).join(", ")}`;
}
