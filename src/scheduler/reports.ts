import { create, fromBinary, isFieldSet } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type ActionResult,
  ActionResultSchema,
  type ExecutedActionMetadata,
  ExecutedActionMetadataSchema,
  ExecuteResponseSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { Status } from "../../gen/google/rpc/status_pb.ts";
import { Code } from "../base/errors.ts";
import { type JobOutcome, type JobRecord, outcomeOf } from "../operations/operations.ts";
import type { ReachedTime } from "../store/store.ts";

/** What a bot says of one lease. */
export interface LeaseReport {
  readonly jobId: string;
  readonly state: "active" | "completed" | "cancelled";
  /** How the attempt ended; absent means OK. */
  readonly status: Status | undefined;
  readonly result: ActionResult | undefined;
  /** The timestamps so far, while it runs. */
  readonly progress: ExecutedActionMetadata | undefined;
}

/** What a completed lease means for its job. */
export type Verdict =
  | { readonly kind: "retry"; readonly reason: string }
  | {
      readonly kind: "done";
      readonly outcome: JobOutcome;
      /** The result to keep in the action cache: only of a cacheable job whose command exited with 0. */
      readonly cache: ActionResult | undefined;
      readonly startedAt: number | undefined;
    };

const RETRYABLE: ReadonlySet<number> = new Set([Code.Internal, Code.Unavailable]);

/**
 * Judges the end of an attempt. INTERNAL and UNAVAILABLE are the worker's trouble, not the action's, and so is an OK
 * without a result: the job is tried again. Everything else is the job's outcome.
 */
export function judge(job: JobRecord, report: LeaseReport): Verdict {
  const code = report.status?.code ?? 0;
  if (RETRYABLE.has(code)) return { kind: "retry", reason: report.status?.message || `worker status ${code}` };
  if (code === 0 && !report.result) return { kind: "retry", reason: "the worker reported success without a result" };
  const result = report.result && withServerFacts(job, report.result);
  const response = create(ExecuteResponseSchema, {
    ...(result && { result }),
    ...(report.status && { status: report.status }),
  });
  return {
    kind: "done",
    outcome: outcomeOf(response, { cached: false }),
    cache: job.cacheable && code === 0 && result?.exitCode === 0 ? result : undefined,
    startedAt: startOf(result?.executionMetadata),
  };
}

/** When the worker took the action up, in milliseconds; undefined while it has not said. */
export function startOf(metadata: ExecutedActionMetadata | undefined): number | undefined {
  return metadata?.workerStartTimestamp && Math.floor(timestampMs(metadata.workerStartTimestamp));
}

/** The times in a report that the report before, encoded, did not have. */
export function reachedTimes(report: ExecutedActionMetadata, before: Uint8Array | undefined): ReachedTime[] {
  const known = before ? fromBinary(ExecutedActionMetadataSchema, before) : create(ExecutedActionMetadataSchema);
  return ExecutedActionMetadataSchema.fields.flatMap((field) => {
    if (field.message?.typeName !== TimestampSchema.typeName || isFieldSet(known, field)) return [];
    const time = isFieldSet(report, field) && (report[field.localName as keyof ExecutedActionMetadata] as Timestamp);
    return time ? [{ name: field.name, at: Math.floor(timestampMs(time)) }] : [];
  });
}

function withServerFacts(job: JobRecord, result: ActionResult): ActionResult {
  const reported = result.executionMetadata ?? create(ExecutedActionMetadataSchema);
  const executionMetadata = {
    ...reported,
    worker: reported.worker || (job.worker ?? ""),
    queuedTimestamp: timestampFromMs(job.queuedAt),
  };
  return create(ActionResultSchema, { ...result, executionMetadata });
}
