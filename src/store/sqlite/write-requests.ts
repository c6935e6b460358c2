import type { Digest } from "../../base/digests.ts";
import type { JobOutcome } from "../../operations/operations.ts";
import { commandText, propertiesText } from "../records.ts";
import type { SessionRow } from "../rows.ts";
import type {
  Cause,
  Claim,
  Completion,
  FigureRecord,
  OperationKey,
  ReachedTime,
  SessionRecord,
  Submission,
} from "../store.ts";

/** A digest on its way to a thread, which functions cannot go. */
export interface PlainDigest {
  readonly functionName: string;
  readonly hash: string;
  readonly sizeBytes: number;
}

/** A submission on its way to the writing thread. */
export interface PlainSubmission extends Omit<Submission, "job"> {
  readonly job: Omit<Submission["job"], "action" | "platform"> & {
    readonly action: PlainDigest;
    /** What `propertiesText` makes. */
    readonly platform: string;
  };
}

/** Makes a digest fit for the way to a thread. */
export function plainDigest({ fn, hash, sizeBytes }: Digest): PlainDigest {
  return { functionName: fn.name, hash, sizeBytes };
}

/** Makes a submission fit for the way to a thread. */
export function plainSubmission({ operation, job, outcome, now }: Submission): PlainSubmission {
  const { id, instance, requestMetadata, identity } = operation;
  const { priority, cacheable, timeoutMs } = job;
  const command = commandText(job.command);
  const action = plainDigest(job.action);
  const platform = propertiesText(job.platform);
  return {
    operation: { id, instance, requestMetadata, identity },
    job: { id: job.id, action, command, platform, priority, cacheable, timeoutMs },
    outcome: outcome && plainOutcome(outcome),
    now,
  };
}

/** Makes an outcome fit for the way to a thread. */
export function plainOutcome({ statusCode, exitCode, cached, response }: JobOutcome): JobOutcome {
  return { statusCode, exitCode, cached, response: trim(response) };
}

/** Makes a completion fit for the way to a thread. */
export function plainCompletion(completion: Completion): Completion {
  const { jobId, session, outcome, actionResult, startedAt, cause, now } = completion;
  return {
    jobId,
    session,
    outcome: plainOutcome(outcome),
    actionResult: actionResult && trim(actionResult),
    startedAt,
    cause: plainCause(cause),
    now,
  };
}

/** What a bot reported, on its way to a thread. */
export interface PlainProgress {
  readonly jobId: string;
  readonly session: string;
  readonly metadata: Uint8Array;
  readonly startedAt: number | undefined;
  readonly reached: readonly ReachedTime[];
}

/** Makes a cause fit for the way to a thread. */
export function plainCause<C extends Cause | undefined>(cause: C): C {
  if (!cause) return cause;
  const { by, identity, reason } = cause;
  const { actor, subject, workflow } = identity ?? { actor: "", subject: "", workflow: "" };
  return { by, identity: identity && { actor, subject, workflow }, reason } as C;
}

/** Makes a claim fit for the way to a thread. */
export function plainClaim({ session, worker, platforms, limit, now }: Claim): Claim {
  return { session, worker, platforms: [...platforms], limit, now };
}

/** Makes a key fit for the way to a thread, whatever else the object has. */
export function plainKey({ instance, id }: OperationKey): OperationKey {
  return { instance, id };
}

/** Makes figures fit for the way to a thread. */
export function plainFigures({ instance, minute, part, counts }: FigureRecord): FigureRecord {
  return { instance, minute, part, counts: trim(counts) };
}

/** The same bytes in a buffer of their own: a view would take all that it is a view of with it, as a whole message. */
export function trim(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

/** The row that stands for a session. */
export function sessionRow(session: SessionRecord): SessionRow {
  const { name, botId, parent, status, capacity, properties, version, expiresAt, updatedAt } = session;
  return [name, botId, parent, status, capacity, propertiesText(properties), version, expiresAt, updatedAt];
}
