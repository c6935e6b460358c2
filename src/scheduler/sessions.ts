import { toBinary } from "@bufbuild/protobuf";
import {
  ActionResultSchema,
  ExecutedActionMetadataSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { BotStatus } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import type { Clock } from "../base/clock.ts";
import { dataLoss, invalidArgument } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import type { Logger } from "../base/log.ts";
import { formatOperationName, type JobRecord, type PlatformProperty } from "../operations/operations.ts";
import type { SessionRecord, Store } from "../store/store.ts";
import type { FigureKeeper } from "./figures.ts";
import type { IdleBots } from "./idle-bots.ts";
import type { Jobs } from "./jobs.ts";
import type { Platforms } from "./platforms.ts";
import { judge, type LeaseReport, reachedTimes, startOf } from "./reports.ts";
import type { SchedulerSettings } from "./settings.ts";
import type { Topics } from "./topics.ts";
import { createTurns } from "./turns.ts";

/** What a bot says of itself and of its leases. */
export interface BotReport {
  readonly botId: string;
  /** A value of remoteworkers BotStatus; only OK gets work. */
  readonly status: number;
  /** How many leases it can hold at once. */
  readonly capacity: number;
  readonly properties: readonly PlatformProperty[];
  readonly leases: readonly LeaseReport[];
}

/** What the bot is told. A lease that it holds and that is not listed was taken from it. */
export interface SessionReply {
  readonly name: string;
  readonly version: string;
  readonly expiresAt: number;
  readonly leases: readonly JobRecord[];
}

/** How long a call may be held open while there is no work. */
export interface PollOptions {
  readonly signal: AbortSignal;
  readonly waitMs: number;
}

/**
 * The sessions of bots and the leases that they hold.
 *
 * A session is opened by CreateBotSession, lives as long as it is updated within its timeout, and is closed when it
 * expires, when a new session of the same bot replaces it, when the bot breaks the protocol, or when a bot that
 * terminates has given back its last lease. Closing puts its jobs back into the queue.
 *
 * One update of a session: settle what the bot reports -> keep the session alive -> hand out work up to the capacity.
 * The answer lists all leases that the session holds in the store, so a reply that got lost is made good by the next one.
 * Updates of one session take turns; a newer one cuts an older one's wait short.
 */
export interface Sessions {
  open(parent: string, report: BotReport): Promise<SessionReply>;
  update(name: string, report: BotReport, poll: PollOptions): Promise<SessionReply>;
  /** Closes the sessions whose time is over. */
  closeExpired(): Promise<void>;
}

/** Makes the sessions over a store. */
export function createSessions(deps: {
  store: Store;
  clock: Clock;
  log: Logger;
  jobs: Jobs;
  platforms: Platforms;
  idleBots: IdleBots;
  topics: Topics;
  figures: FigureKeeper;
  settingsOf: (parent: string) => SchedulerSettings;
}): Sessions {
  const { store, clock, jobs, topics } = deps;
  const turns = createTurns();

  async function open(parent: string, report: BotReport): Promise<SessionReply> {
    for (const older of await store.sessions(report.botId)) {
      if (older.parent === parent)
        await turns.take(older.name, undefined, () => close(older, "replaced by a new session"));
    }
    const { sessionTimeoutMs } = deps.settingsOf(parent);
    const now = clock.now();
    const session = {
      ...facts(report),
      name: formatOperationName(parent, newId(now)),
      parent,
      version: 1,
      expiresAt: now + sessionTimeoutMs,
      updatedAt: now,
    };
    await store.putSession(session);
    return reply(session, report.status === BotStatus.OK ? await claim(session, session.capacity) : []);
  }

  function update(name: string, report: BotReport, poll: PollOptions): Promise<SessionReply> {
    return turns.take(name, poll.signal, (signal) => updateInTurn(name, report, { ...poll, signal }));
  }

  async function updateInTurn(name: string, report: BotReport, poll: PollOptions): Promise<SessionReply> {
    const known = await store.getSession(name);
    if (!known) throw unknownSession(name);
    if (known.botId !== report.botId)
      throw invalidArgument("BOT_ID_MISMATCH", `session ${name} is not of bot ${report.botId}`);
    if (report.leases.some((lease) => lease.state === "cancelled")) {
      await close(known, "the bot cancelled a lease");
      throw dataLoss("BOT_SESSION_CLOSED", `session ${name} is closed: only the server may cancel a lease`);
    }
    const held = await settle(known, report);
    if (isLeaving(report)) return leave(known, report, held);
    const mayWait = report.leases.length === 0 && held.length === 0;
    const session = await keepAlive(known, report, mayWait ? poll.waitMs : 0);
    const free = report.capacity - held.length;
    if (mayWait) return reply(session, await nextWork(session, report, poll));
    const claimed = report.status === BotStatus.OK && free > 0 ? await claim(session, free) : [];
    return reply(session, [...held, ...claimed]);
  }

  /** Applies the reports to the leases that the session really holds; answers those that it still holds after that. */
  async function settle(session: SessionRecord, report: BotReport): Promise<JobRecord[]> {
    const reports = new Map(report.leases.map((lease) => [lease.jobId, lease]));
    const held: JobRecord[] = [];
    for (const job of await store.leasedJobs(session.name)) {
      const lease = reports.get(job.id);
      if (lease?.state === "completed") await settleCompleted(job, lease);
      else held.push(job);
      if (lease?.state === "active" && lease.progress) await settleProgress(job, session, lease);
    }
    return held;
  }

  async function settleCompleted(job: JobRecord, lease: LeaseReport): Promise<void> {
    const verdict = judge(job, lease);
    if (verdict.kind === "retry") return jobs.retry(job, verdict.reason);
    const actionResult = verdict.cache && toBinary(ActionResultSchema, verdict.cache);
    await jobs.complete(job, {
      session: job.session,
      outcome: verdict.outcome,
      actionResult,
      startedAt: verdict.startedAt,
    });
  }

  async function settleProgress(job: JobRecord, session: SessionRecord, lease: LeaseReport): Promise<void> {
    if (!lease.progress) return;
    const bytes = toBinary(ExecutedActionMetadataSchema, lease.progress);
    if (job.partialMetadata && Buffer.compare(job.partialMetadata, bytes) === 0) return;
    const reached = reachedTimes(lease.progress, job.partialMetadata);
    const kept = await store.reportProgress(job.id, session.name, bytes, startOf(lease.progress), reached);
    if (kept) topics.publish(job.id);
  }

  async function keepAlive(known: SessionRecord, report: BotReport, waitMs: number): Promise<SessionRecord> {
    const { sessionTimeoutMs } = deps.settingsOf(known.parent);
    const now = clock.now();
    const expiresAt = now + waitMs + sessionTimeoutMs;
    const changed = JSON.stringify(facts(known)) !== JSON.stringify(facts(report));
    // An update a second from each busy bot need not be a disk write each.
    if (!changed && expiresAt - known.expiresAt < sessionTimeoutMs / 4) return known;
    const session = {
      ...known,
      ...facts(report),
      version: known.version + (changed ? 1 : 0),
      expiresAt: Math.max(expiresAt, known.expiresAt),
      updatedAt: now,
    };
    await store.putSession(session);
    return session;
  }

  async function claim(session: SessionRecord, limit: number): Promise<JobRecord[]> {
    if (limit <= 0) return [];
    const known = await deps.platforms.fitting(session);
    const count = known.length;
    const claimed = await claimFrom(known, session, limit);
    if (claimed.length > 0) return claimed;
    // Another process may have made platforms of which no news has come yet.
    const all = await deps.platforms.allFitting(session);
    return all.length > count ? claimFrom(all, session, limit) : [];
  }

  async function claimFrom(platforms: readonly number[], session: SessionRecord, limit: number): Promise<JobRecord[]> {
    if (platforms.length === 0) return [];
    const claimed = await store.claim({
      session: session.name,
      worker: session.botId,
      platforms,
      limit,
      now: clock.now(),
    });
    for (const job of claimed) {
      deps.figures.started(job);
      topics.publish(job.id);
    }
    return claimed;
  }

  /** Work for a bot that has none: what is queued, or what comes while the call may wait. */
  async function nextWork(session: SessionRecord, report: BotReport, poll: PollOptions): Promise<JobRecord[]> {
    const ended = new AbortController();
    const timer = clock.after(poll.waitMs, () => ended.abort());
    const signal = AbortSignal.any([poll.signal, ended.signal]);
    try {
      if (report.status !== BotStatus.OK) return await aborted(signal).then(() => []);
      return await claimOrWait(session, signal, poll.waitMs > 0);
    } finally {
      timer.cancel();
    }
  }

  async function claimOrWait(session: SessionRecord, signal: AbortSignal, mayWait: boolean): Promise<JobRecord[]> {
    for (;;) {
      const idle = deps.idleBots.enter(session);
      let willLook = false;
      try {
        if (signal.aborted) return [];
        const claimed = await claim(session, session.capacity);
        if (claimed.length > 0 || !mayWait) return claimed;
        await idle.woken(signal);
        willLook = !signal.aborted;
      } finally {
        idle.leave(willLook);
      }
    }
  }

  async function leave(session: SessionRecord, report: BotReport, held: JobRecord[]): Promise<SessionReply> {
    const running = new Set(report.leases.map((lease) => lease.jobId));
    const kept = held.filter((job) => running.has(job.id));
    for (const job of held) if (!running.has(job.id)) await jobs.retry(job, "the bot terminates");
    if (kept.length > 0) return reply(await keepAlive(session, report, 0), kept);
    await store.deleteSession(session.name);
    return reply({ ...session, expiresAt: clock.now() }, []);
  }

  async function close(session: SessionRecord, reason: string): Promise<void> {
    deps.log.info({ session: session.name, bot: session.botId, reason }, "bot session closed");
    // A replica that handed out a job meanwhile makes the deletion fail: that job has to be taken back too.
    do {
      for (const job of await store.leasedJobs(session.name)) await jobs.retry(job, `bot session closed: ${reason}`);
    } while (!(await store.deleteSession(session.name)));
  }

  async function closeExpired(): Promise<void> {
    for (const { name, expiresAt } of await store.sessions(undefined)) {
      if (expiresAt >= clock.now()) continue;
      await turns.take(name, undefined, async () => {
        const session = await store.getSession(name);
        if (session && session.expiresAt < clock.now()) await close(session, "no update in time");
      });
    }
  }

  return { open, update, closeExpired };
}

function reply(session: SessionRecord, leases: readonly JobRecord[]): SessionReply {
  return { name: session.name, version: String(session.version), expiresAt: session.expiresAt, leases };
}

function facts(from: BotReport | SessionRecord) {
  return { botId: from.botId, status: from.status, capacity: from.capacity, properties: from.properties };
}

function isLeaving(report: BotReport): boolean {
  return report.status === BotStatus.BOT_TERMINATING || report.status === BotStatus.HOST_REBOOTING;
}

function unknownSession(name: string) {
  return invalidArgument("BOT_SESSION_NOT_FOUND", `no such bot session: ${name}; create a new one`, { session: name });
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
