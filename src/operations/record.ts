import type { Digest } from "../base/digests.ts";

/** Values of `build.bazel.remote.execution.v2.ExecutionStage.Value`, in their order. */
export const Stage = { UNKNOWN: 0, CACHE_CHECK: 1, QUEUED: 2, EXECUTING: 3, COMPLETED: 4 } as const;
export type Stage = (typeof Stage)[keyof typeof Stage];

/** One requirement of a job, or one offer of a bot. */
export interface PlatformProperty {
  readonly name: string;
  readonly value: string;
}

/** What the client said of itself with the call: the fields of REAPI's RequestMetadata, "" where it said nothing. */
export interface RequestMetadata {
  readonly toolName: string;
  readonly toolVersion: string;
  readonly actionId: string;
  readonly invocationId: string;
  readonly correlatedInvocationsId: string;
  readonly actionMnemonic: string;
  readonly targetId: string;
  readonly configurationId: string;
}

/** Who called: all three parts are non-empty. */
export interface ClientIdentity {
  readonly actor: string;
  readonly subject: string;
  readonly workflow: string;
}

/**
 * One unit of work. Times are milliseconds since the epoch. `response` and `partialMetadata` are encoded
 * ExecuteResponse and ExecutedActionMetadata messages: the store and the scheduler carry them unread.
 */
export interface JobRecord {
  readonly id: string;
  readonly instance: string;
  readonly action: Digest;
  /** The arguments joined by spaces, shortened; for people and filters. */
  readonly command: string;
  readonly platform: readonly PlatformProperty[];
  /** Smaller runs earlier. */
  readonly priority: number;
  /** False for do_not_cache: never merged with another job, its result never enters the action cache. */
  readonly cacheable: boolean;
  /** How long the command may run. */
  readonly timeoutMs: number;
  readonly stage: Stage;
  /** How often the job was handed to a bot. */
  readonly attempts: number;
  readonly queuedAt: number;
  readonly assignedAt: number | undefined;
  readonly startedAt: number | undefined;
  readonly completedAt: number | undefined;
  /** Name of the bot session that holds the lease; only while EXECUTING. */
  readonly session: string | undefined;
  /** The bot id that runs or ran it last. */
  readonly worker: string | undefined;
  readonly partialMetadata: Uint8Array | undefined;
  /** Set exactly when the stage is COMPLETED. */
  readonly outcome: JobOutcome | undefined;
}

/** How a job ended; never changes. */
export interface JobOutcome {
  /** A google.rpc.Code of ExecuteResponse.status; 0 also when the command itself failed. */
  readonly statusCode: number;
  /** Exit code of the command; undefined when it did not run to its end. */
  readonly exitCode: number | undefined;
  /** True when the action cache had the answer and nothing ran. */
  readonly cached: boolean;
  /** Encoded ExecuteResponse. */
  readonly response: Uint8Array;
}

/** One client's handle on a job. It has ended when the job has, or when it was itself cancelled. */
export interface OperationRecord {
  readonly id: string;
  readonly instance: string;
  /** The job's stage, or COMPLETED when this operation was cancelled on its own. */
  readonly stage: Stage;
  /** True when this operation was cancelled; the job may live on for others. */
  readonly cancelled: boolean;
  readonly createdAt: number;
  readonly completedAt: number | undefined;
  /** True once somebody asked for it by GetOperation or WaitOperation while no stream listened. */
  readonly polled: boolean;
  readonly requestMetadata: RequestMetadata | undefined;
  readonly identity: ClientIdentity | undefined;
  readonly job: JobRecord;
}

/** True when nothing about the operation will change any more. */
export function isDone(operation: OperationRecord): boolean {
  return operation.stage === Stage.COMPLETED;
}
