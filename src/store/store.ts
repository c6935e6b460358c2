import type { Digest } from "../base/digests.ts";
import type {
  ClientIdentity,
  JobOutcome,
  JobRecord,
  OperationQuery,
  OperationRecord,
  PlatformProperty,
  RequestMetadata,
} from "../operations/operations.ts";

import type {
  BotKind,
  JobOperations,
  LeaseRecord,
  PlatformQueue,
  PlatformRecord,
  SessionQuery,
  SessionRecord,
} from "./farm-records.ts";
import type { FigureRecord } from "./figure-record.ts";
import type { Cause, JobEvent, ReachedTime } from "./job-event.ts";
import type { PostgresStoreOptions } from "./postgres/postgres-store.ts";
import type { SharedStore } from "./shared-store.ts";

export type {
  BotKind,
  JobOperations,
  LeaseRecord,
  PlatformQueue,
  PlatformRecord,
  SessionQuery,
  SessionRecord,
} from "./farm-records.ts";
export type { FigureRecord } from "./figure-record.ts";
export {
  type Cause,
  type JobEvent,
  type JobEventFacts,
  JobEventKind,
  LONGEST_REASON,
  type ReachedTime,
} from "./job-event.ts";
export { migrateStore, planMigration, type SchemaPlan } from "./migrate.ts";
export type { MigrationEvents } from "./migrations.ts";
export type { PostgresStoreOptions } from "./postgres/postgres-store.ts";
export type { News, SharedStore } from "./shared-store.ts";
export { lockDataDir } from "./sqlite/data-dir-lock.ts";
export { createSqliteStore, type SqliteStoreOptions } from "./sqlite/sqlite-store.ts";

/** A new operation and the job that it wants done. */
export interface Submission {
  readonly operation: {
    readonly id: string;
    readonly instance: string;
    readonly requestMetadata: RequestMetadata | undefined;
    readonly identity: ClientIdentity | undefined;
  };
  readonly job: {
    readonly id: string;
    readonly action: Digest;
    /** Kept with spaces for NULs and replacement characters for halves of characters. */
    readonly command: string;
    /** Sorted by name, then value. */
    readonly platform: readonly PlatformProperty[];
    readonly priority: number;
    readonly cacheable: boolean;
    readonly timeoutMs: number;
  };
  /** Set when the action cache had the answer: the job is born COMPLETED and merges with nothing. */
  readonly outcome: JobOutcome | undefined;
  readonly now: number;
}

/** A request for work on behalf of a bot session. */
export interface Claim {
  readonly session: string;
  readonly worker: string;
  /** Ids of the platforms that the bot fits. */
  readonly platforms: readonly number[];
  readonly limit: number;
  readonly now: number;
}

/** The end of a job. */
export interface Completion {
  readonly jobId: string;
  /** The session that must hold the lease for this to count; undefined when the server itself ends the job. */
  readonly session: string | undefined;
  readonly outcome: JobOutcome;
  /** Encoded ActionResult to put into the action cache in the same step. */
  readonly actionResult: Uint8Array | undefined;
  readonly startedAt: number | undefined;
  /** Set when somebody decided it, rather than the bot reported it. */
  readonly cause?: Cause | undefined;
  readonly now: number;
}

/** What a cancellation did. */
export type CancelResult =
  | { readonly kind: "missing" }
  | { readonly kind: "already-done"; readonly jobId: string }
  | {
      readonly kind: "cancelled";
      readonly jobId: string;
      readonly jobEnded: boolean;
      readonly session: string | undefined;
    };

/** Which operation; the instance is part of the question, so that no tenant sees another's. */
export interface OperationKey {
  readonly instance: string;
  readonly id: string;
}

/** Where somebody is who reads the changes of operations: opaque, and of one database. */
export type ChangePosition = string;

/** That an operation is new or another than before, as it is now; or that it was deleted. */
export type OperationChange =
  | { readonly kind: "changed"; readonly operation: OperationRecord }
  | { readonly kind: "deleted"; readonly key: OperationKey };

/** Some changes, and the position after them. */
export interface ChangePage {
  readonly changes: readonly OperationChange[];
  readonly position: ChangePosition;
}

/**
 * The state of the farm, durable: when a promise of a changing method resolves, the change survives a crash.
 * Every method is one transaction and each transition is conditional, so that of two racing callers one finds out that it
 * came late. A job that is COMPLETED and an operation that is COMPLETED never change again; they are only deleted.
 * An operation's stage follows its job's until it is cancelled on its own.
 * Each transition of a job leaves an entry in its history, which goes with the job.
 */
export interface Store extends AsyncDisposable {
  /** Set when other processes may change it as well. */
  readonly shared: SharedStore | undefined;
  /** Whether calls can be answered now: rejects, as they would, when they cannot. May take as long as they may. */
  ready(): Promise<void>;

  /**
   * Records an operation. It joins a live (not COMPLETED) cacheable job of the same instance and action if the new job is
   * cacheable and has no outcome, lowering that job's priority value if the new one is smaller and the job still queued;
   * otherwise it gets the new job, QUEUED or, with an outcome, COMPLETED.
   */
  submit(submission: Submission): Promise<{ operation: OperationRecord; merged: boolean }>;

  /** `hint` is for who was told that it has changed since it was read last: to look for that first would be in vain. */
  getOperation(key: OperationKey, hint?: "changed"): Promise<OperationRecord | undefined>;
  /** Operations in order, at most `limit`. */
  listOperations(query: OperationQuery): Promise<OperationRecord[]>;
  /** Remembers that the operation is followed by polling. No-op when missing. */
  markPolled(key: OperationKey): Promise<void>;
  /**
   * Ends one operation as cancelled. If it was the last live operation of a live job, the job ends too, with
   * `jobOutcome`; `session` is then the bot session that held the lease.
   */
  cancelOperation(key: OperationKey, jobOutcome: JobOutcome, now: number, cause?: Cause): Promise<CancelResult>;
  /** Ends the job of an operation, even of a cancelled one, and all its live operations as cancelled. */
  killJob(key: OperationKey, outcome: JobOutcome, now: number, cause: Cause): Promise<CancelResult>;
  /** Forgets one operation, and its job when that is COMPLETED and has no other. Answers the job id, or undefined. */
  deleteOperation(key: OperationKey): Promise<string | undefined>;
  /**
   * Forgets operations of an instance that ended before a time, the oldest first, at most `limit`, and the COMPLETED jobs
   * that have no other; answers how many operations went.
   */
  pruneOperations(instance: string, endedBefore: number, limit: number): Promise<number>;
  /** The position after all changes so far. */
  changePosition(): Promise<ChangePosition>;
  /**
   * Changes of all instances after a position, in order, at most `limit`; of several of one operation only the last.
   * Undefined when the position is none of this database, or so old that deletions after it are forgotten: who reads must
   * begin anew.
   */
  changesAfter(position: ChangePosition, limit: number): Promise<ChangePage | undefined>;
  /** Calls `wake` when operations have changed, perhaps once for many and perhaps for nothing; answers how to stop that. */
  onChange(wake: () => void): () => void;
  /** All operations that have not ended, of all instances. */
  liveOperations(): Promise<(OperationKey & { readonly polled: boolean })[]>;

  /** All platforms ever seen, in order of id; `afterId` leaves out what the caller knows. */
  platforms(afterId: number): Promise<PlatformRecord[]>;
  /**
   * Hands out queued jobs of the given platforms, smallest priority value first, then oldest: stage EXECUTING, attempts
   * + 1, session, worker and assignedAt set, startedAt and partialMetadata cleared. Nothing when the session is gone.
   */
  claim(claim: Claim): Promise<JobRecord[]>;
  getJob(jobId: string): Promise<JobRecord | undefined>;
  /** What happened to a job, oldest first, at most 1000 entries; empty when there is no such job. */
  history(jobId: string): Promise<JobEvent[]>;
  /** The jobs that a session holds. */
  leasedJobs(session: string): Promise<JobRecord[]>;
  /** Live (not COMPLETED) jobs of one instance, or of all. */
  liveJobs(instance: string | undefined): Promise<JobRecord[]>;
  /** EXECUTING jobs for which assignedAt + timeoutMs + allowanceMs lies before now; at most `limit`. */
  overdueJobs(now: number, allowanceMs: number, limit: number): Promise<JobRecord[]>;
  /** QUEUED jobs of an instance with queuedAt before `before`; at most `limit`. */
  jobsQueuedBefore(instance: string, before: number, limit: number): Promise<JobRecord[]>;
  /**
   * Keeps what a bot reported of a running job; `reached` are the times in it that are new. Answers false when the session
   * does not hold the lease.
   */
  reportProgress(
    jobId: string,
    session: string,
    partialMetadata: Uint8Array,
    startedAt: number | undefined,
    reached?: readonly ReachedTime[],
  ): Promise<boolean>;
  /** Takes a job back from a session: QUEUED with its old queue time. False when the session does not hold the lease. */
  requeue(jobId: string, session: string, now: number, cause?: Cause): Promise<boolean>;
  /**
   * Ends a job and all its live operations; a job without any operation is forgotten with that. False when it had ended,
   * was gone, or the session does not hold the lease.
   */
  complete(completion: Completion): Promise<boolean>;

  /** Inserts or replaces a session by name. */
  putSession(session: SessionRecord): Promise<void>;
  getSession(name: string): Promise<SessionRecord | undefined>;
  /** All sessions, or those of one bot id. */
  sessions(botId: string | undefined): Promise<SessionRecord[]>;
  /** Forgets a session. False, and nothing is done, while it holds a job. */
  deleteSession(name: string): Promise<boolean>;

  /** Sessions in order of their names. */
  sessionPage(query: SessionQuery): Promise<SessionRecord[]>;
  /** What a session holds, the oldest first. */
  leases(session: string): Promise<LeaseRecord[]>;
  /** How many queued jobs of the same platform would be claimed before this one, counted up to `limit`. */
  jobsAhead(jobId: string, limit: number): Promise<number>;
  botKinds(parents: SessionQuery["parents"]): Promise<BotKind[]>;
  /** One entry for each platform that jobs of the instances ever had. */
  platformQueues(instances: readonly string[]): Promise<PlatformQueue[]>;
  /** The operations of a job, the oldest first, at most `limit`. */
  jobOperations(jobId: string, limit: number): Promise<JobOperations>;

  /** The encoded ActionResult of an action, or undefined. Counts as a use. */
  getActionResult(instance: string, action: Digest, now: number): Promise<Uint8Array | undefined>;
  putActionResult(instance: string, action: Digest, result: Uint8Array, now: number): Promise<void>;
  deleteActionResult(instance: string, action: Digest): Promise<void>;
  /** Keeps at most `keep` results of an instance, the most recently used; answers how many went. May take several steps. */
  pruneActionResults(instance: string, keep: number): Promise<number>;

  /** Inserts or replaces records by instance, minute and part, each of which is there once. */
  putFigures(records: readonly FigureRecord[]): Promise<void>;
  /** The records of an instance from one minute to another, both included, in order of minute, then part. */
  figures(instance: string, from: number, to: number): Promise<FigureRecord[]>;
  /** Forgets records of minutes before one, the oldest first, at most `limit`; answers how many went. */
  pruneFigures(before: number, limit: number): Promise<number>;
}

/**
 * Opens a store in PostgreSQL that any number of processes share. Throws, in words for the operator, when the database
 * cannot be reached, when a newer version wrote it, and when it is too old. Its driver is loaded for nobody else.
 */
export async function createPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { openPostgresStore } = await import("./postgres/postgres-store.ts");
  return openPostgresStore(options);
}
