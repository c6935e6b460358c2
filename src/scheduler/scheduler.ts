import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { isDone, type OperationQuery, type OperationRecord } from "../operations/operations.ts";
import type { OperationKey, Store } from "../store/store.ts";
import { startDuties } from "./duties.ts";
import { createIdleBots } from "./idle-bots.ts";
import { createJobs, type NewJob } from "./jobs.ts";
import { createOrphans } from "./orphans.ts";
import { createPlatforms } from "./platforms.ts";
import { type BotReport, createSessions, type PollOptions, type SessionReply } from "./sessions.ts";
import type { SchedulerSettings } from "./settings.ts";
import { createTopics } from "./topics.ts";
import { type WatchOptions, waitOperation, watchOperation } from "./watch.ts";

export type { OperationKey } from "../store/store.ts";
export type { NewJob } from "./jobs.ts";
export { EVERY_INSTANCE } from "./platforms.ts";
export type { LeaseReport } from "./reports.ts";
export type { BotReport, PollOptions, SessionReply } from "./sessions.ts";
export type { SchedulerSettings } from "./settings.ts";

/**
 * The one state machine of the farm. A job goes QUEUED -> EXECUTING -> COMPLETED, and back from EXECUTING to QUEUED when
 * its bot is lost or fails; an operation is a client's handle on a job and follows it until it ends or is cancelled.
 * All state is in the store; what is kept here is who waits for what.
 */
export interface Scheduler extends AsyncDisposable {
  /** Records a new operation; it is cancelled after the grace time unless somebody watches or polls it. */
  submit(instance: string, job: NewJob): Promise<OperationRecord>;
  /** Undefined when there is none. Counts as a poll when no stream follows the operation. */
  poll(key: OperationKey): Promise<OperationRecord | undefined>;
  list(query: OperationQuery): Promise<OperationRecord[]>;
  /** The present state, then each change; see watchOperation. The caller counts as a follower while it takes states. */
  watch(key: OperationKey, options: WatchOptions): AsyncIterable<OperationRecord>;
  /** Waits for the end, at most `timeoutMs`; answers the latest state, undefined when there is none. Counts as a poll. */
  wait(key: OperationKey, options: { signal: AbortSignal; timeoutMs: number }): Promise<OperationRecord | undefined>;
  /** Cancels one operation. False when there is none; no-op when it has ended. */
  cancel(key: OperationKey): Promise<boolean>;
  /** Forgets one operation and cancels nothing. False when there is none. */
  delete(key: OperationKey): Promise<boolean>;
  openSession(parent: string, report: BotReport): Promise<SessionReply>;
  updateSession(name: string, report: BotReport, poll: PollOptions): Promise<SessionReply>;
}

/** Starts the scheduler over a store. `settingsOf` also answers for `*`, the parent of bots that serve every instance. */
export async function createScheduler(deps: {
  store: Store;
  clock: Clock;
  log: Logger;
  instances: readonly string[];
  settingsOf: (instance: string) => SchedulerSettings;
}): Promise<Scheduler> {
  const { store, clock, log, settingsOf } = deps;
  const topics = createTopics(clock);
  const idleBots = createIdleBots();
  const jobs = createJobs({ store, clock, log, topics, idleBots, settingsOf });
  const platforms = createPlatforms(store);
  const sessions = createSessions({ store, clock, log, jobs, platforms, idleBots, topics, settingsOf });
  const orphans = createOrphans({ clock, graceOf: settingsOf, abandon: (key, graceMs) => void abandon(key, graceMs) });
  const sessionTimeouts = deps.instances.map((instance) => settingsOf(instance).sessionTimeoutMs);
  const duties = startDuties({
    ...{ store, clock, log, jobs, sessions, settingsOf, instances: deps.instances },
    everyMs: Math.min(10_000, ...sessionTimeouts.map((timeoutMs) => timeoutMs / 4)),
    sessionGraceMs: Math.max(0, ...sessionTimeouts),
  });

  async function abandon(key: OperationKey, graceMs: number) {
    await jobs
      .cancel(key, `cancelled: no client followed it for ${graceMs / 1000} s`)
      .then((result) => result.kind === "cancelled" && log.info({ operation: key }, "orphaned operation cancelled"))
      .catch((error: unknown) => log.error({ err: error, operation: key }, "cannot cancel an orphaned operation"));
  }

  async function notePoll(key: OperationKey, record: OperationRecord) {
    if (isDone(record) || orphans.isFollowed(key)) return;
    if (!record.polled) await store.markPolled(key);
    orphans.watchOver(key, true);
  }

  async function* watch(key: OperationKey, options: WatchOptions) {
    const record = await store.getOperation(key);
    if (!record) return;
    const unfollow = orphans.follow(key, record.polled);
    try {
      for await (const state of watchOperation({ store, topics }, key, options)) {
        if (isDone(state)) orphans.forget(key);
        yield state;
      }
    } finally {
      unfollow();
    }
  }

  for (const { polled, ...key } of await store.liveOperations()) orphans.watchOver(key, polled);

  return {
    submit: async (instance, job) => {
      const operation = await jobs.submit(instance, job);
      if (!isDone(operation)) orphans.watchOver({ instance, id: operation.id }, false);
      return operation;
    },
    poll: async (key) => {
      const record = await store.getOperation(key);
      if (record) await notePoll(key, record);
      return record;
    },
    list: (query) => store.listOperations(query),
    watch,
    wait: async (key, options) => {
      const record = await store.getOperation(key);
      if (!record || isDone(record)) return record;
      await notePoll(key, record);
      return waitOperation({ store, topics, clock }, key, options);
    },
    cancel: async (key) => {
      const result = await jobs.cancel(key, "cancelled by a client");
      if (result.kind === "cancelled") orphans.forget(key);
      return result.kind !== "missing";
    },
    delete: async (key) => {
      orphans.forget(key);
      return jobs.delete(key);
    },
    openSession: sessions.open,
    updateSession: sessions.update,
    [Symbol.asyncDispose]: async () => {
      orphans.close();
      await duties.stop();
    },
  };
}
