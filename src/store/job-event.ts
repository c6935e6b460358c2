import type { ClientIdentity } from "../operations/operations.ts";

/**
 * What happens to a job, under the names that BuildGrid has for it. CREATION is the birth of the job, NEW_OPERATION each
 * client that wants it, the first included; OPERATION_CANCELLATION ends one operation, CANCELLATION the job.
 */
export const JobEventKind = {
  CREATION: 1,
  NEW_OPERATION: 2,
  ASSIGNMENT: 3,
  COMPLETION: 4,
  OPERATION_CANCELLATION: 5,
  CANCELLATION: 6,
  RETRY: 7,
  PROGRESS_UPDATE: 8,
} as const;
export type JobEventKind = (typeof JobEventKind)[keyof typeof JobEventKind];

/** Who decided that something should happen, and why. */
export interface Cause {
  /** A client by its call, or the server by one of its rules. */
  readonly by: "client" | "server";
  /** Who that client said to be. */
  readonly identity: ClientIdentity | undefined;
  /** In words; at most `LONGEST_REASON` characters are kept. */
  readonly reason: string;
}

/** A bot that reports times for ever fills no disk: after this many entries its reports are no longer noted. */
export const MOST_WITH_PROGRESS = 200;

/** Longer reasons are cut. */
export const LONGEST_REASON = 1024;

/** A cause as the history keeps it. */
export function keptCause(cause: Cause): Cause {
  return { ...cause, reason: cause.reason.slice(0, LONGEST_REASON).toWellFormed() };
}

/** The particulars of an event; what its kind does not have is absent. Times are milliseconds. */
export interface JobEventFacts {
  /** NEW_OPERATION, OPERATION_CANCELLATION: the operation's id. */
  readonly operation?: string;
  /** The same: how many operations the job then had, ended ones included. */
  readonly operations?: number;
  /** OPERATION_CANCELLATION: how many of them were then cancelled. */
  readonly cancelledOperations?: number;
  /** The bot id that held the job, wherever one did. */
  readonly worker?: string;
  /** ASSIGNMENT, RETRY: the number of the attempt, from 1. */
  readonly attempt?: number;
  /** ASSIGNMENT: how long the job had waited since it was queued, the last time. */
  readonly queueMs?: number;
  /** PROGRESS_UPDATE: a timestamp of ExecutedActionMetadata; the event has its time. */
  readonly timestampName?: string;
  /** COMPLETION: a google.rpc.Code. */
  readonly statusCode?: number;
  /** COMPLETION: since the job was first queued. */
  readonly durationMs?: number;
  readonly cause?: Cause;
}

/** One entry of a job's history. */
export interface JobEvent {
  readonly kind: JobEventKind;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly facts: JobEventFacts;
}

/** A timestamp that a worker reported for the first time. */
export interface ReachedTime {
  /** A field of ExecutedActionMetadata, as `input_fetch_start_timestamp`. */
  readonly name: string;
  readonly at: number;
}
