import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { isDone, type JobRecord, type OperationQuery, type OperationRecord } from "../operations/operations.ts";
import type { CancelResult, Cause, OperationKey, Store } from "../store/store.ts";
import { type CancelledMany, type CancelMany, cancelMany } from "./cancel-many.ts";
import { type Census, createCensus } from "./census.ts";
import { type ChangeFeed, createChangeFeed } from "./change-feed.ts";
import { expiryDuty } from "./duties.ts";
import { figureDuty } from "./figure-duty.ts";
import { createFigureKeeper, type FigureKeeper } from "./figures.ts";
import { followElsewhere } from "./follow-elsewhere.ts";
import { createIdleBots } from "./idle-bots.ts";
import { byServer, createJobs, type NewJob } from "./jobs.ts";
import { createOrphans } from "./orphans.ts";
import { followOtherProcesses } from "./other-processes.ts";
import { createPlatforms } from "./platforms.ts";
import { retentionDuty } from "./retention.ts";
import { Rounds } from "./rounds.ts";
import { type BotReport, createSessions, type PollOptions, type SessionReply } from "./sessions.ts";
import type { SchedulerSettings } from "./settings.ts";
import { createTopics } from "./topics.ts";
import { type WatchOptions, waitOperation, watchOperation } from "./watch.ts";

export {
  type Cause,
  type ChangePage,
  type JobEvent,
  JobEventKind,
  type JobOperations,
  type OperationChange,
  type OperationKey,
} from "../store/store.ts";
export type { CancelledMany } from "./cancel-many.ts";
export type { Census, JobHistory, OperationStanding, PlatformLoad, Worker } from "./census.ts";
export type { ChangeFeed } from "./change-feed.ts";
export type { Durations } from "./durations.ts";
export { type FigureReport, type Figures, LONGEST_WINDOW_MS } from "./figure-report.ts";
export type { NewJob } from "./jobs.ts";
export { EVERY_INSTANCE } from "./platforms.ts";
export type { LeaseReport } from "./reports.ts";
export type { BotReport, PollOptions, SessionReply } from "./sessions.ts";
export type { SchedulerSettings } from "./settings.ts";
export { POSITION_LIMIT, type WaitReason } from "./waiting.ts";

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
  /**
   * The present state, then each change; see watchOperation. Empty when there is no such operation. The caller counts as a
   * follower while it takes states. Who has the record already, because it was just submitted, saves reading it.
   */
  watch(key: OperationKey | OperationRecord, options: WatchOptions): AsyncIterable<OperationRecord>;
  /** Waits for the end, at most `timeoutMs`; answers the latest state, undefined when there is none. Counts as a poll. */
  wait(key: OperationKey, options: { signal: AbortSignal; timeoutMs: number }): Promise<OperationRecord | undefined>;
  /** Cancels one operation. False when there is none; no-op when it has ended. */
  cancel(key: OperationKey, cause?: Cause): Promise<boolean>;
  /** Cancels the job of an operation with all its operations. */
  kill(key: OperationKey, cause: Cause): Promise<CancelResult>;
  /** Cancels the live operations of an instance that match a filter. */
  cancelMany(wish: CancelMany): Promise<CancelledMany>;
  /** What operators ask. */
  readonly census: Census;
  /** How much was done lately. */
  readonly figures: Pick<FigureKeeper, "report">;
  /** What changes, of all operations of all instances. */
  readonly changes: ChangeFeed;
  /** Forgets one operation and cancels nothing. False when there is none. */
  delete(key: OperationKey): Promise<boolean>;
  openSession(parent: string, report: BotReport): Promise<SessionReply>;
  updateSession(name: string, report: BotReport, poll: PollOptions): Promise<SessionReply>;
}

const CANCELLED_BY_A_CLIENT: Cause = { by: "client", identity: undefined, reason: "cancelled by a client" };

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
  const changes = createChangeFeed({ store, clock });
  const platforms = createPlatforms(store);
  const others =
    store.shared && followOtherProcesses({ store, shared: store.shared, topics, idleBots, platforms, clock, log });
  const jobQueued = ({ instance, platform }: JobRecord) => {
    platforms.expect(instance, platform);
    idleBots.jobQueued(instance, platform);
  };
  const figures = createFigureKeeper({ store, clock, log });
  const jobs = createJobs({ store, clock, log, topics, figures, jobQueued, settingsOf });
  const sessions = createSessions({ store, clock, log, jobs, platforms, idleBots, topics, figures, settingsOf });
  const orphans = createOrphans({ clock, graceOf: settingsOf, abandon: (key, graceMs) => void abandon(key, graceMs) });
  const graces = deps.instances.map((instance) => settingsOf(instance).orphanGraceMs).filter((ms) => ms > 0);
  const sessionTimeouts = deps.instances.map((instance) => settingsOf(instance).sessionTimeoutMs);
  const elsewhere = store.shared && followElsewhere({ store, shared: store.shared, clock, log, orphans, graces });
  const expiry = expiryDuty({
    ...{ store, clock, jobs, sessions, settingsOf, instances: deps.instances },
    everyMs: Math.min(10_000, ...sessionTimeouts.map((timeoutMs) => timeoutMs / 4)),
    sessionGraceMs: Math.max(0, ...sessionTimeouts),
  });
  const retention = retentionDuty({ store, clock, log, settingsOf, instances: deps.instances });
  const figuring = figureDuty({ store, clock, instances: deps.instances });

  async function abandon(key: OperationKey, graceMs: number) {
    try {
      if (await elsewhere?.keeps(key, graceMs)) return;
      const result = await jobs.cancel(key, byServer(`cancelled: no client followed it for ${graceMs / 1000} s`));
      if (result.kind === "cancelled") log.info({ operation: key }, "orphaned operation cancelled");
    } catch (error) {
      log.error({ err: error, operation: key }, "cannot cancel an orphaned operation; it gets its grace again");
      orphans.watchOver(key, false);
    }
  }

  async function cancel(key: OperationKey, cause: Cause): Promise<CancelResult> {
    const result = await jobs.cancel(key, cause);
    if (result.kind === "cancelled") orphans.forget(key);
    return result;
  }

  /** Undefined when there is nothing to wait for, as with most polls, which are not the first. */
  function notePoll(key: OperationKey, record: OperationRecord): Promise<void> | undefined {
    if (orphans.isFollowed(key)) return undefined;
    if (!record.polled) return store.markPolled(key).then(() => orphans.watchOver(key, true));
    orphans.watchOver(key, true);
    return undefined;
  }

  async function* watch(operation: OperationKey | OperationRecord, options: WatchOptions) {
    const isNew = "job" in operation;
    const record = isNew ? operation : await store.getOperation(operation);
    if (!record) return;
    const key = { instance: record.instance, id: record.id };
    const unfollow = orphans.follow(key, record.polled);
    try {
      if (!isNew) await elsewhere?.tell(key);
      for await (const state of watchOperation({ store, topics }, record, options)) {
        if (isDone(state)) orphans.forget(key);
        yield state;
      }
    } finally {
      unfollow();
    }
  }

  for (const { polled, ...key } of await store.liveOperations()) orphans.watchOver(key, polled);
  const rounds = new Rounds({ shared: store.shared, clock, log, duties: [expiry, retention, figuring] });

  return {
    submit: async (instance, job) => {
      const operation = await jobs.submit(instance, job);
      if (!isDone(operation)) orphans.watchOver({ instance, id: operation.id }, false);
      return operation;
    },
    poll: async (key) => {
      const record = await store.getOperation(key);
      const noted = record && !isDone(record) ? notePoll(key, record) : undefined;
      if (noted) await noted;
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
    cancel: async (key, cause = CANCELLED_BY_A_CLIENT) => (await cancel(key, cause)).kind !== "missing",
    cancelMany: (wish) =>
      cancelMany({ store, cancel: async (key, cause) => (await cancel(key, cause)).kind === "cancelled" }, wish),
    kill: async (key, cause) => {
      const result = await jobs.kill(key, cause);
      if (result.kind === "cancelled") orphans.forget(key);
      return result;
    },
    census: createCensus(store),
    changes,
    figures,
    delete: async (key) => {
      orphans.forget(key);
      return jobs.delete(key);
    },
    openSession: sessions.open,
    updateSession: sessions.update,
    [Symbol.asyncDispose]: async () => {
      orphans.close();
      await Promise.all([rounds.stop(), others?.stop(), elsewhere?.stop()]);
      changes[Symbol.dispose]();
      await figures.stop();
    },
  };
}
