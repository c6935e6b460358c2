import assert from "node:assert/strict";
import { type JobOutcome, type JobRecord, type OperationRecord, Stage } from "../../src/operations/operations.ts";
import {
  type CancelResult,
  type Cause,
  type Claim,
  type Completion,
  type JobEvent,
  JobEventKind,
  type LeaseRecord,
  type OperationKey,
  type ReachedTime,
  type SessionRecord,
  type Store,
  type Submission,
} from "../../src/store/store.ts";

/** An operation as far as it is not its job. */
interface Handle extends Omit<OperationRecord, "stage" | "cancelled" | "completedAt" | "job"> {
  readonly jobId: string;
  /** When it was cancelled, on its own or with its job. */
  readonly cancelledAt: number | undefined;
}

type EndKind = typeof JobEventKind.COMPLETION | typeof JobEventKind.CANCELLATION;

/** How a job ends. */
type End = Pick<Completion, "outcome" | "startedAt" | "now" | "cause">;

/** A method of the store, answering at once. */
type Now<K extends keyof Store> = Store[K] extends (...input: infer A) => Promise<infer T> ? (...input: A) => T : never;

/** What is played to a store and to the model alike. */
export type Played = Pick<
  Store,
  | "submit"
  | "markPolled"
  | "cancelOperation"
  | "killJob"
  | "deleteOperation"
  | "reportProgress"
  | "requeue"
  | "complete"
  | "putSession"
  | "deleteSession"
  | "putActionResult"
  | "deleteActionResult"
>;

/** The same, answering at once. */
export type PlayedNow = Readonly<{ [K in keyof Played]: Now<K> }>;

/**
 * What a store is, in plain maps that are never changed in place: the whole contract of the methods it has. Where the
 * contract leaves a choice, which jobs a claim gets among racing ones and which of several operations that ended at once
 * are pruned, it is told what the store chose.
 */
export class StoreModel implements PlayedNow {
  jobs: ReadonlyMap<string, JobRecord> = new Map();
  handles: ReadonlyMap<string, Handle> = new Map();
  sessions: ReadonlyMap<string, SessionRecord> = new Map();
  results: ReadonlyMap<string, Uint8Array> = new Map();
  /** Ids of operations, each as often as it changed. */
  changed: readonly string[] = [];
  #events: ReadonlyMap<string, readonly JobEvent[]> = new Map();

  clone(): StoreModel {
    const twin = new StoreModel();
    Object.assign(twin, this);
    twin.#events = this.#events;
    return twin;
  }

  submit({ operation, job, outcome, now }: Submission): { operation: OperationRecord; merged: boolean } {
    const live = this.liveJobs().find((each) => isSame(each, operation.instance, job));
    const merged = job.cacheable && !outcome ? live : undefined;
    if (merged?.stage === Stage.QUEUED && job.priority < merged.priority) {
      this.#put({ ...merged, priority: job.priority });
      this.#touch(merged.id);
    }
    if (!merged) this.#put(newJob(operation.instance, { job, outcome, now }));
    const jobId = merged?.id ?? job.id;
    const handle = { ...operation, jobId, createdAt: now, polled: false, cancelledAt: undefined };
    this.#keep(handle);
    this.#note(jobId, JobEventKind.NEW_OPERATION, now, { operation: operation.id, operations: this.#of(jobId).length });
    if (outcome) this.#note(jobId, JobEventKind.COMPLETION, now, { statusCode: outcome.statusCode, durationMs: 0 });
    return { operation: this.#record(handle), merged: merged !== undefined };
  }

  markPolled(key: OperationKey): void {
    const handle = this.#handle(key);
    if (handle) this.handles = withEntry(this.handles, handle.id, { ...handle, polled: true });
  }

  cancelOperation(key: OperationKey, outcome: JobOutcome, now: number, cause?: Cause): CancelResult {
    const handle = this.#handle(key);
    if (!handle) return { kind: "missing" };
    const { jobId, id } = handle;
    if (!this.#isLive(handle)) return { kind: "already-done", jobId };
    const { worker, session } = this.#job(jobId);
    this.#keep({ ...handle, cancelledAt: now });
    const all = this.#of(jobId);
    const cancelledOperations = all.filter(({ cancelledAt }) => cancelledAt !== undefined).length;
    const facts = { operation: id, operations: all.length, cancelledOperations, worker, cause };
    this.#note(jobId, JobEventKind.OPERATION_CANCELLATION, now, facts);
    if (all.some((each) => this.#isLive(each)))
      return { kind: "cancelled", jobId, jobEnded: false, session: undefined };
    this.#end(jobId, { outcome, startedAt: undefined, now, cause }, JobEventKind.CANCELLATION);
    return { kind: "cancelled", jobId, jobEnded: true, session };
  }

  killJob(key: OperationKey, outcome: JobOutcome, now: number, cause: Cause): CancelResult {
    const handle = this.#handle(key);
    if (!handle) return { kind: "missing" };
    const { jobId } = handle;
    const { stage, session } = this.#job(jobId);
    if (stage === Stage.COMPLETED) return { kind: "already-done", jobId };
    this.#end(jobId, { outcome, startedAt: undefined, now, cause }, JobEventKind.CANCELLATION);
    return { kind: "cancelled", jobId, jobEnded: true, session };
  }

  deleteOperation(key: OperationKey): string | undefined {
    const handle = this.#handle(key);
    if (!handle) return undefined;
    this.handles = without(this.handles, handle.id);
    this.changed = [...this.changed, handle.id];
    this.#forget(handle.jobId);
    return handle.jobId;
  }

  /** Those that are gone for nobody else have been pruned: the oldest, as many as there are or as were asked for. */
  pruneOperations(instance: string, endedBefore: number, limit: number, gone: ReadonlySet<string>): number {
    const ended = this.operations(instance).filter(({ completedAt }) => completedAt && completedAt < endedBefore);
    const [pruned, left] = [ended.filter(({ id }) => gone.has(id)), ended.filter(({ id }) => !gone.has(id))];
    const oldestLeft = Math.min(...left.map(({ completedAt }) => Number(completedAt)));
    const expected = Math.min(limit, ended.length);
    const areOldest = pruned.every(({ completedAt }) => Number(completedAt) <= oldestLeft);
    for (const operation of pruned) this.deleteOperation(operation);
    return areOldest ? expected : Number.NaN;
  }

  /** The jobs that a claim gets, in order, when nobody else is about. */
  next({ session, limit }: Claim, fits: (job: JobRecord) => boolean): string[] {
    if (!this.sessions.has(session)) return [];
    const queued = this.liveJobs().filter((job) => job.stage === Stage.QUEUED && fits(job));
    return queued
      .sort(byRank)
      .slice(0, limit)
      .map(({ id }) => id);
  }

  /** Hands out these jobs. */
  claim({ session, worker, now }: Claim, ids: readonly string[]): JobRecord[] {
    return ids.map((id) => {
      const job = this.jobs.get(id);
      assert.ok(
        job?.stage === Stage.QUEUED && this.sessions.has(session),
        "only a queued job is handed out, to a session",
      );
      const retry = this.history(id).findLast(({ kind }) => kind === JobEventKind.RETRY);
      const attempt = job.attempts + 1;
      const queueMs = now - (retry?.at ?? job.queuedAt);
      this.#note(id, JobEventKind.ASSIGNMENT, now, { worker, attempt, queueMs });
      this.#touch(id);
      const lease = { session, worker, assignedAt: now, startedAt: undefined, partialMetadata: undefined };
      return this.#put({ ...job, ...lease, stage: Stage.EXECUTING, attempts: attempt });
    });
  }

  reportProgress(
    jobId: string,
    session: string,
    partialMetadata: Uint8Array,
    startedAt: number | undefined,
    reached: readonly ReachedTime[] = [],
  ): boolean {
    const job = this.jobs.get(jobId);
    if (job?.session !== session) return false;
    this.#put({ ...job, partialMetadata, startedAt: startedAt ?? job.startedAt });
    this.#touch(jobId);
    for (const { name, at } of reached) {
      this.#note(jobId, JobEventKind.PROGRESS_UPDATE, at, { worker: job.worker, timestampName: name });
    }
    return true;
  }

  requeue(jobId: string, session: string, now: number, cause?: Cause): boolean {
    const job = this.jobs.get(jobId);
    if (job?.session !== session) return false;
    this.#put({ ...job, stage: Stage.QUEUED, session: undefined });
    this.#touch(jobId);
    this.#note(jobId, JobEventKind.RETRY, now, { worker: job.worker, attempt: job.attempts, cause });
    return true;
  }

  complete({ jobId, session, actionResult, ...end }: Completion): boolean {
    const job = this.jobs.get(jobId);
    if (!job || job.stage === Stage.COMPLETED || (session !== undefined && job.session !== session)) return false;
    this.#end(jobId, end, JobEventKind.COMPLETION);
    if (actionResult && job.cacheable) this.putActionResult(job.instance, job.action, actionResult);
    this.#forget(jobId);
    return true;
  }

  putSession(session: SessionRecord): void {
    this.sessions = withEntry(this.sessions, session.name, session);
  }

  deleteSession(name: string): boolean {
    if (this.liveJobs().some(({ session }) => session === name)) return false;
    this.sessions = without(this.sessions, name);
    return true;
  }

  putActionResult(instance: string, action: JobRecord["action"], result: Uint8Array): void {
    this.results = withEntry(this.results, resultKey(instance, action), result);
  }

  deleteActionResult(instance: string, action: JobRecord["action"]): void {
    this.results = without(this.results, resultKey(instance, action));
  }

  /** The operations of an instance, as they were made. */
  operations(instance: string): OperationRecord[] {
    const handles = [...this.handles.values()].filter((handle) => handle.instance === instance);
    return handles.map((handle) => this.#record(handle));
  }

  getOperation(key: OperationKey): OperationRecord | undefined {
    const handle = this.#handle(key);
    return handle && this.#record(handle);
  }

  liveOperations(): (OperationKey & { polled: boolean })[] {
    const live = [...this.handles.values()].filter((handle) => this.#isLive(handle));
    return live.map(({ instance, id, polled }) => ({ instance, id, polled }));
  }

  liveJobs(): JobRecord[] {
    return [...this.jobs.values()].filter(({ stage }) => stage !== Stage.COMPLETED);
  }

  leases(session: string): LeaseRecord[] {
    const held = this.liveJobs().filter((job) => job.session === session);
    held.sort((a, b) => Number(a.assignedAt) - Number(b.assignedAt) || (a.id < b.id ? -1 : 1));
    return held.map(({ id, instance, action, assignedAt = 0 }) => ({
      ...{ jobId: id, instance, action, assignedAt },
      operations: this.#of(id)
        .map((handle) => handle.id)
        .sort(),
    }));
  }

  history(jobId: string): readonly JobEvent[] {
    const job = this.jobs.get(jobId);
    return job
      ? [{ kind: JobEventKind.CREATION, at: job.queuedAt, facts: {} }, ...(this.#events.get(jobId) ?? [])]
      : [];
  }

  #end(jobId: string, { outcome, startedAt, now, cause }: End, kind: EndKind): void {
    const job = this.#job(jobId);
    const { worker, queuedAt } = job;
    this.#touch(jobId);
    for (const handle of this.#of(jobId)) {
      if (kind === JobEventKind.CANCELLATION) this.#replace({ ...handle, cancelledAt: handle.cancelledAt ?? now });
    }
    const end = { session: undefined, completedAt: now, startedAt: startedAt ?? job.startedAt, outcome };
    this.#put({ ...job, ...end, stage: Stage.COMPLETED });
    const result = kind === JobEventKind.COMPLETION && { statusCode: outcome.statusCode, durationMs: now - queuedAt };
    this.#note(jobId, kind, now, { worker, ...result, cause });
  }

  #forget(jobId: string): void {
    if (this.#job(jobId).stage !== Stage.COMPLETED || this.#of(jobId).length > 0) return;
    this.jobs = without(this.jobs, jobId);
    this.#events = without(this.#events, jobId);
  }

  #record({ jobId, cancelledAt, ...rest }: Handle): OperationRecord {
    const job = this.#job(jobId);
    const cancelled = cancelledAt !== undefined;
    const stage = cancelled ? Stage.COMPLETED : job.stage;
    return { ...rest, stage, cancelled, completedAt: cancelledAt ?? job.completedAt, job };
  }

  #handle({ instance, id }: OperationKey): Handle | undefined {
    const handle = this.handles.get(id);
    return handle?.instance === instance ? handle : undefined;
  }

  #job(id: string): JobRecord {
    return this.jobs.get(id) ?? assert.fail("each operation has a job");
  }

  #of(jobId: string): Handle[] {
    return [...this.handles.values()].filter((handle) => handle.jobId === jobId);
  }

  #isLive({ cancelledAt, jobId }: Handle): boolean {
    return cancelledAt === undefined && this.#job(jobId).stage !== Stage.COMPLETED;
  }

  #put(job: JobRecord): JobRecord {
    this.jobs = withEntry(this.jobs, job.id, job);
    return job;
  }

  #replace(handle: Handle): void {
    this.handles = withEntry(this.handles, handle.id, handle);
  }

  #keep(handle: Handle): void {
    this.#replace(handle);
    this.changed = [...this.changed, handle.id];
  }

  /** A transition of a job is a change of each of its live operations. */
  #touch(jobId: string): void {
    const live = this.#of(jobId).filter((handle) => this.#isLive(handle));
    this.changed = [...this.changed, ...live.map(({ id }) => id)];
  }

  /** As JSON has it: what is undefined is absent. */
  #note(jobId: string, kind: JobEventKind, at: number, facts: object): void {
    const event = { kind, at, facts: JSON.parse(JSON.stringify(facts)) };
    this.#events = withEntry(this.#events, jobId, [...(this.#events.get(jobId) ?? []), event]);
  }
}

function newJob(instance: string, { job, outcome, now }: Pick<Submission, "job" | "outcome" | "now">): JobRecord {
  const never = { assignedAt: undefined, startedAt: undefined, session: undefined, worker: undefined };
  return {
    ...{ ...job, instance, ...never, attempts: 0, queuedAt: now, partialMetadata: undefined, outcome },
    ...(outcome ? { stage: Stage.COMPLETED, completedAt: now } : { stage: Stage.QUEUED, completedAt: undefined }),
  };
}

function isSame(job: JobRecord, instance: string, { action }: Submission["job"]): boolean {
  return job.cacheable && job.instance === instance && job.action.hash === action.hash;
}

function byRank(a: JobRecord, b: JobRecord): number {
  return a.priority - b.priority || a.queuedAt - b.queuedAt || (a.id < b.id ? -1 : 1);
}

/** What a result is kept under. */
export function resultKey(instance: string, { hash }: JobRecord["action"]): string {
  return `${instance} ${hash}`;
}

function withEntry<V>(map: ReadonlyMap<string, V>, key: string, value: V): ReadonlyMap<string, V> {
  return new Map(map).set(key, value);
}

function without<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}
