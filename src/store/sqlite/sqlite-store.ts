import { mkdir } from "node:fs/promises";
import { extname } from "node:path";
import { type Clock, systemClock } from "../../base/clock.ts";
import { unavailable } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { toJob, toOperation } from "../records.ts";
import type { Store } from "../store.ts";
import { createActionResults } from "./action-results.ts";
import { openForReading } from "./connection.ts";
import { lockDataDir } from "./data-dir-lock.ts";
import { databasePath, migrateFile } from "./data-dir-schema.ts";
import type { LongReads } from "./read-thread.ts";
import { createReads, type Reads } from "./reads.ts";
import { resultCode } from "./result-codes.ts";
import { storeError } from "./store-error.ts";
import { ThreadCalls } from "./thread-calls.ts";
import {
  plainCause,
  plainClaim,
  plainCompletion,
  plainFigures,
  plainKey,
  plainOutcome,
  plainSubmission,
  sessionRow,
  trim,
} from "./write-requests.ts";
import type { Writes } from "./writes.ts";

/** What the embedded store needs. */
export interface SqliteStoreOptions {
  /** Made when it is missing; the store owns `opgrid.db*` and `lock.db` in it. */
  readonly dataDir: string;
  readonly log: Logger;
  /** The machine's clock by default. */
  readonly clock?: Clock;
}

/**
 * Opens the embedded store: one SQLite file, for one process at a time. Throws, in words for the operator, when another
 * process has the directory, when a newer version wrote the database, and when it cannot be opened.
 */
export async function createSqliteStore({ dataDir, log, clock = systemClock }: SqliteStoreOptions): Promise<Store> {
  await using opening = new AsyncDisposableStack();
  await mkdir(dataDir, { recursive: true });
  opening.use(lockDataDir(dataDir));
  const path = databasePath(dataDir);
  migrateFile(dataDir, clock.now());
  const thread = { data: path, clock, log };
  const writer = opening.use(new ThreadCalls<Writes>({ script: threadScript("write-thread"), ...thread }));
  await writer.start();
  const longReads = opening.use(new ThreadCalls<LongReads>({ script: threadScript("read-thread"), ...thread }));
  const reads = createReads(
    opening.adopt(openForReading(path), (db) => db.close()),
    longReads,
  );
  return storeOf({ reads, writer, log, resources: opening.move() });
}

/** The module of a thread: TypeScript in the source tree, JavaScript in the published package. */
function threadScript(name: string): URL {
  return new URL(`./${name}${extname(import.meta.filename)}`, import.meta.url);
}

interface Parts {
  readonly reads: Reads;
  readonly writer: ThreadCalls<Writes>;
  readonly log: Logger;
  readonly resources: AsyncDisposableStack;
}

function storeOf({ reads, writer, log, resources }: Parts): Store {
  let closed: Promise<void> | undefined;

  async function ask<T>(question: () => T | Promise<T>): Promise<T> {
    if (closed) throw unavailable("the store is closed", 1000);
    try {
      return await question();
    } catch (error) {
      throw error instanceof Error ? storeError(error, resultCode(error)) : error;
    }
  }

  const listeners = new Set<() => void>();

  /** Makes a change of operations, and says so when it is durable. */
  const change: typeof writer.call = async (kind, ...input) => {
    const answer = await writer.call(kind, ...input);
    for (const wake of listeners) wake();
    return answer;
  };

  return {
    shared: undefined,
    ready: () => ask(() => {}),
    submit: async (submission) => {
      const { row, merged } = await change("submit", plainSubmission(submission));
      return { operation: toOperation(row), merged };
    },
    getOperation: (key) => ask(() => reads.getOperation(key)),
    listOperations: (query) => ask(() => reads.listOperations(query)),
    markPolled: async (key) => {
      if (await ask(() => reads.needsPolledMark(key))) await writer.call("markPolled", plainKey(key));
    },
    cancelOperation: (key, outcome, now, cause) =>
      change("cancelOperation", plainKey(key), plainOutcome(outcome), now, plainCause(cause)),
    killJob: (key, outcome, now, cause) =>
      change("killJob", plainKey(key), plainOutcome(outcome), now, plainCause(cause)),
    deleteOperation: (key) => change("deleteOperation", plainKey(key)),
    pruneOperations: (instance, endedBefore, limit) => change("pruneOperations", instance, endedBefore, limit),
    liveOperations: () => ask(reads.liveOperations),
    changePosition: () => ask(reads.changePosition),
    changesAfter: (position, limit) => ask(() => reads.changesAfter(position, limit)),
    onChange: (wake) => {
      listeners.add(wake);
      return () => void listeners.delete(wake);
    },

    platforms: (afterId) => ask(() => reads.platforms(afterId)),
    claim: async (claim) => (await change("claim", plainClaim(claim))).map(toJob),
    getJob: (jobId) => ask(() => reads.getJob(jobId)),
    history: (jobId) => ask(() => reads.history(jobId)),
    leasedJobs: (session) => ask(() => reads.leasedJobs(session)),
    liveJobs: (instance) => ask(() => reads.liveJobs(instance)),
    overdueJobs: (now, allowanceMs, limit) => ask(() => reads.overdueJobs(now, allowanceMs, limit)),
    jobsQueuedBefore: (instance, before, limit) => ask(() => reads.jobsQueuedBefore(instance, before, limit)),
    reportProgress: (jobId, session, partialMetadata, startedAt, reached = []) =>
      change("reportProgress", { jobId, session, metadata: trim(partialMetadata), startedAt, reached }),
    requeue: (jobId, session, now, cause) => change("requeue", jobId, session, now, plainCause(cause)),
    complete: (completion) => change("complete", plainCompletion(completion)),

    putSession: (session) => writer.call("putSession", sessionRow(session)),
    getSession: (name) => ask(() => reads.getSession(name)),
    sessions: (botId) => ask(() => reads.sessions(botId)),
    deleteSession: (name) => writer.call("deleteSession", name),

    sessionPage: (query) => ask(() => reads.sessionPage(query)),
    leases: (session) => ask(() => reads.leases(session)),
    jobsAhead: (jobId, limit) => ask(() => reads.jobsAhead(jobId, limit)),
    botKinds: (parents) => ask(() => reads.botKinds(parents)),
    platformQueues: (instances) => ask(() => reads.platformQueues(instances)),
    jobOperations: (jobId, limit) => ask(() => reads.jobOperations(jobId, limit)),

    putFigures: (records) => writer.call("putFigures", records.map(plainFigures)),
    figures: (instance, from, to) => ask(() => reads.figures(instance, from, to)),
    pruneFigures: (before, limit) => writer.call("pruneFigures", before, limit),

    ...createActionResults({ reads, writer, log, ask }),

    [Symbol.asyncDispose]: () => {
      closed ??= resources.disposeAsync();
      return closed;
    },
  };
}
