import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Any, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type DigestFunction_Value,
  type ExecutedActionMetadata,
  ExecutedActionMetadataSchema,
  ExecuteOperationMetadataSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { packAny, typeUrlOf } from "./pack-any.ts";
import { isDone, type JobRecord, type OperationRecord, Stage } from "./record.ts";
import { encodeWaitingMetadata } from "./waiting-metadata.ts";

/** The type URL of the metadata of every operation. */
export const METADATA_TYPE_URL: string = typeUrlOf(ExecuteOperationMetadataSchema);

/**
 * The ExecuteOperationMetadata of an operation, packed. Its bytes depend on the record only and so change exactly when
 * the state does: google-gax reports each change as progress.
 */
export function operationMetadata(record: OperationRecord): Any {
  const waiting = isOnWorker(record) ? undefined : encodeWaitingMetadata(record);
  return packAny(ExecuteOperationMetadataSchema, waiting ?? encode(record));
}

/** A worker of an earlier attempt says nothing of a job that waits, and a cancelled operation never changes again. */
function isOnWorker({ stage, cancelled }: OperationRecord): boolean {
  return stage >= Stage.EXECUTING && !cancelled;
}

function encode(record: OperationRecord): Uint8Array {
  const { action } = record.job;
  const metadata = create(ExecuteOperationMetadataSchema, {
    stage: record.stage,
    actionDigest: { hash: action.hash, sizeBytes: BigInt(action.sizeBytes) },
    digestFunction: action.fn.wireValue as DigestFunction_Value,
    partialExecutionMetadata: executionSoFar(record),
  });
  return toBinary(ExecuteOperationMetadataSchema, metadata);
}

function executionSoFar(record: OperationRecord): ExecutedActionMetadata {
  const { job } = record;
  const onWorker = isOnWorker(record);
  const metadata = onWorker ? reportedByWorker(job) : create(ExecutedActionMetadataSchema);
  metadata.queuedTimestamp = timestampFromMs(job.queuedAt);
  if (onWorker) fillIn(metadata, job, isDone(record));
  return metadata;
}

function fillIn(metadata: ExecutedActionMetadata, job: JobRecord, done: boolean): void {
  if (job.worker !== undefined) metadata.worker = job.worker;
  const startedAt = job.startedAt ?? job.assignedAt;
  if (startedAt !== undefined) metadata.workerStartTimestamp ??= timestampFromMs(startedAt);
  const ranToItsEnd = done && job.outcome?.exitCode !== undefined && !job.outcome.cached;
  if (ranToItsEnd && job.completedAt !== undefined) {
    metadata.workerCompletedTimestamp ??= timestampFromMs(job.completedAt);
  }
}

function reportedByWorker(job: JobRecord): ExecutedActionMetadata {
  if (!job.partialMetadata) return create(ExecutedActionMetadataSchema);
  try {
    return fromBinary(ExecutedActionMetadataSchema, job.partialMetadata);
  } catch {
    return create(ExecutedActionMetadataSchema);
  }
}
