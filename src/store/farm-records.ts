import type { Digest } from "../base/digests.ts";
import type { OperationRecord, PlatformProperty } from "../operations/operations.ts";

/** One distinct set of requirements that some job of an instance had. */
export interface PlatformRecord {
  readonly id: number;
  readonly instance: string;
  readonly properties: readonly PlatformProperty[];
}

/** A bot session as the store keeps it. */
export interface SessionRecord {
  /** `<parent>/<uuid>`. */
  readonly name: string;
  readonly botId: string;
  /** The instance served, or `*` for all. */
  readonly parent: string;
  /** A value of remoteworkers BotStatus. */
  readonly status: number;
  readonly capacity: number;
  readonly properties: readonly PlatformProperty[];
  readonly version: number;
  readonly expiresAt: number;
  readonly updatedAt: number;
}

/** Which sessions: those of some parents (instances, and the parent of those that serve all), after a name. */
export interface SessionQuery {
  readonly parents: readonly string[];
  /** "" for the first page. */
  readonly after: string;
  readonly limit: number;
}

/** A job that a session holds, as far as a list of workers shows it. */
export interface LeaseRecord {
  readonly jobId: string;
  readonly instance: string;
  readonly action: Digest;
  readonly assignedAt: number;
  /** Ids of its operations, the oldest 100. */
  readonly operations: readonly string[];
}

/** Bots that offer the same and are of the same status. */
export interface BotKind {
  readonly parent: string;
  readonly properties: readonly PlatformProperty[];
  /** A value of remoteworkers BotStatus. */
  readonly status: number;
  /** How many have room for another job. */
  readonly idle: number;
  readonly busy: number;
}

/** Some of the operations that want the same job. */
export interface JobOperations {
  readonly operations: readonly Pick<OperationRecord, "id" | "instance" | "stage" | "requestMetadata" | "identity">[];
  /** How many of all have not ended. */
  readonly live: number;
}

/** The live jobs of an instance with the same requirements. */
export interface PlatformQueue {
  readonly instance: string;
  readonly properties: readonly PlatformProperty[];
  readonly queued: number;
  readonly executing: number;
  readonly oldestQueuedAt: number | undefined;
}
