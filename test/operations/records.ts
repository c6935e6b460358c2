import { create, fromBinary } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import {
  type ExecuteOperationMetadata,
  ExecuteOperationMetadataSchema,
  type ExecuteResponse,
  ExecuteResponseSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { sha256 } from "../../src/base/digests.ts";
import { type JobRecord, type OperationRecord, outcomeOf, Stage } from "../../src/operations/operations.ts";

export const QUEUED_AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

/** An operation that waits in the queue, with what the test wants otherwise. */
export function recordOf(over: Partial<OperationRecord> = {}, jobOver: Partial<JobRecord> = {}): OperationRecord {
  const job: JobRecord = {
    id: "job-1",
    instance: "main",
    action: { fn: sha256, hash: "ab".repeat(32), sizeBytes: 142 },
    command: "gcc -c main.c",
    platform: [],
    priority: 0,
    cacheable: true,
    timeoutMs: 60_000,
    stage: Stage.QUEUED,
    attempts: 0,
    queuedAt: QUEUED_AT,
    assignedAt: undefined,
    startedAt: undefined,
    completedAt: undefined,
    session: undefined,
    worker: undefined,
    partialMetadata: undefined,
    outcome: undefined,
    ...jobOver,
  };
  return {
    id: "0198c0de-0000-7000-8000-000000000001",
    instance: "main",
    stage: job.stage,
    cancelled: false,
    createdAt: QUEUED_AT,
    completedAt: job.completedAt,
    polled: false,
    requestMetadata: undefined,
    identity: undefined,
    ...over,
    job,
  };
}

/** An operation whose job is with a worker. */
export function executingRecord(
  over: Partial<OperationRecord> = {},
  jobOver: Partial<JobRecord> = {},
): OperationRecord {
  return recordOf(over, {
    stage: Stage.EXECUTING,
    attempts: 1,
    assignedAt: QUEUED_AT + 1000,
    session: "main/session-1",
    worker: "bot-1",
    ...jobOver,
  });
}

/** An operation whose job ended with an outcome. */
export function completedRecord(outcome: JobRecord["outcome"], jobOver: Partial<JobRecord> = {}): OperationRecord {
  return recordOf(
    {},
    {
      stage: Stage.COMPLETED,
      attempts: 1,
      assignedAt: QUEUED_AT + 1000,
      startedAt: QUEUED_AT + 2000,
      completedAt: QUEUED_AT + 3000,
      worker: "bot-1",
      outcome,
      ...jobOver,
    },
  );
}

/** A response of a command that ran to its end. */
export function responseWith(exitCode: number): ExecuteResponse {
  return create(ExecuteResponseSchema, { result: { exitCode, stdoutRaw: new TextEncoder().encode("out") } });
}

/** The outcome of a command that ran to its end. */
export function ranWith(exitCode: number): NonNullable<JobRecord["outcome"]> {
  return outcomeOf(responseWith(exitCode), { cached: false });
}

const EXECUTION = "type.googleapis.com/build.bazel.remote.execution.v2.";

/** Unpacks an ExecuteResponse, strict about the type. */
export function unpackResponse(any: Any | undefined): ExecuteResponse {
  if (any?.typeUrl !== `${EXECUTION}ExecuteResponse`) throw new Error(`no ExecuteResponse: ${any?.typeUrl}`);
  return fromBinary(ExecuteResponseSchema, any.value);
}

/** Unpacks the metadata, strict about the type. */
export function unpackMetadata(any: Any | undefined): ExecuteOperationMetadata {
  if (any?.typeUrl !== `${EXECUTION}ExecuteOperationMetadata`) throw new Error(`no metadata: ${any?.typeUrl}`);
  return fromBinary(ExecuteOperationMetadataSchema, any.value);
}
