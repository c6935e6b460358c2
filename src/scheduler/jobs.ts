import type { Clock } from "../base/clock.ts";
import { Code } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import type { Logger } from "../base/log.ts";
import {
  type ClientIdentity,
  failedOutcome,
  type JobOutcome,
  type JobRecord,
  type OperationRecord,
  type PlatformProperty,
  type RequestMetadata,
  Stage,
} from "../operations/operations.ts";
import type { CancelResult, Cause, Completion, OperationKey, Store } from "../store/store.ts";
import type { FigureKeeper } from "./figures.ts";
import type { SchedulerSettings } from "./settings.ts";
import type { Topics } from "./topics.ts";

/** What a client wants done; everything that was read from the CAS is in it already. */
export interface NewJob {
  readonly action: JobRecord["action"];
  readonly command: string;
  readonly platform: readonly PlatformProperty[];
  readonly priority: number;
  readonly cacheable: boolean;
  readonly timeoutMs: number;
  /** The answer, when the action cache had it. */
  readonly outcome: JobOutcome | undefined;
  readonly requestMetadata: RequestMetadata | undefined;
  readonly identity: ClientIdentity | undefined;
}

/** The transitions of jobs. Each is one store call, after which those who wait are woken. */
export interface Jobs {
  submit(instance: string, job: NewJob): Promise<OperationRecord>;
  /** Takes a job back from a lost or failed bot: queued again, or ended as ABORTED when it had its attempts. */
  retry(job: JobRecord, reason: string): Promise<void>;
  /** Ends a job. False when it had ended before or the session does not hold it. */
  complete(job: JobRecord, completion: Omit<Completion, "jobId" | "now">): Promise<boolean>;
  cancel(key: OperationKey, cause: Cause): Promise<CancelResult>;
  /** Ends the job of an operation and all its operations as cancelled. */
  kill(key: OperationKey, cause: Cause): Promise<CancelResult>;
  delete(key: OperationKey): Promise<boolean>;
}

/** Makes the transitions over a store. */
export function createJobs(deps: {
  store: Store;
  clock: Clock;
  log: Logger;
  topics: Topics;
  figures: FigureKeeper;
  /** There is one more queued job. */
  jobQueued: (job: JobRecord) => void;
  settingsOf: (instance: string) => SchedulerSettings;
}): Jobs {
  const { store, clock, log, topics, figures, jobQueued } = deps;

  async function submit(instance: string, job: NewJob): Promise<OperationRecord> {
    const now = clock.now();
    const { requestMetadata, identity, outcome, ...work } = job;
    const { operation, merged } = await store.submit({
      operation: { id: newId(now), instance, requestMetadata, identity },
      job: { id: newId(now), ...work, platform: sorted(job.platform) },
      outcome,
      now,
    });
    figures.submitted(instance, now, outcome?.cached ? "cached" : merged ? "merged" : "new");
    if (!merged && operation.stage === Stage.QUEUED) jobQueued(operation.job);
    return operation;
  }

  async function retry(job: JobRecord, reason: string): Promise<void> {
    if (job.session === undefined) return;
    const { maxAttempts } = deps.settingsOf(job.instance);
    log.warn(
      { job: job.id, instance: job.instance, worker: job.worker, attempts: job.attempts, reason },
      "attempt failed",
    );
    if (job.attempts >= maxAttempts) {
      const message = `gave up after ${job.attempts} attempts, the last on ${job.worker}: ${reason}`;
      const outcome = failedOutcome(Code.Aborted, message);
      const cause = byServer(message);
      await complete(job, { session: job.session, outcome, actionResult: undefined, startedAt: undefined, cause });
      return;
    }
    const now = clock.now();
    if (!(await store.requeue(job.id, job.session, now, byServer(reason)))) return;
    figures.retried(job.instance, now);
    topics.publish(job.id);
    jobQueued(job);
  }

  async function complete(job: JobRecord, completion: Omit<Completion, "jobId" | "now">): Promise<boolean> {
    const now = clock.now();
    const done = await store.complete({ jobId: job.id, now, ...completion });
    if (!done) return false;
    figures.ended(job, now, completion);
    topics.publish(job.id);
    return true;
  }

  async function cancel(key: OperationKey, cause: Cause): Promise<CancelResult> {
    const now = clock.now();
    return cancelled(
      key,
      now,
      await store.cancelOperation(key, failedOutcome(Code.Canceled, cause.reason), now, cause),
    );
  }

  async function kill(key: OperationKey, cause: Cause): Promise<CancelResult> {
    const now = clock.now();
    return cancelled(key, now, await store.killJob(key, failedOutcome(Code.Canceled, cause.reason), now, cause));
  }

  function cancelled({ instance }: OperationKey, now: number, result: CancelResult): CancelResult {
    if (result.kind !== "cancelled") return result;
    if (result.jobEnded) figures.cancelled(instance, now);
    topics.publish(result.jobId);
    return result;
  }

  return {
    submit,
    retry,
    complete,
    cancel,
    kill,
    delete: async (key) => {
      const jobId = await store.deleteOperation(key);
      if (jobId !== undefined) topics.publish(jobId);
      return jobId !== undefined;
    },
  };
}

/** The cause of what the server does by a rule of its own. */
export function byServer(reason: string): Cause {
  return { by: "server", identity: undefined, reason };
}

function sorted(platform: readonly PlatformProperty[]): PlatformProperty[] {
  return [...platform].sort((a, b) => compare(a.name, b.name) || compare(a.value, b.value));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
