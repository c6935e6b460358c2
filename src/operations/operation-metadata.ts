import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type Any, TimestampSchema } from "@bufbuild/protobuf/wkt";
import {
  DigestSchema,
  ExecutedActionMetadataSchema,
  ExecuteOperationMetadataSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { FieldScanner } from "./field-scanner.ts";
import { METADATA_TYPE_URL, packAny } from "./pack-any.ts";
import { isDone, type JobRecord, type OperationRecord, Stage } from "./record.ts";

const { stage, actionDigest, partialExecutionMetadata, digestFunction } = ExecuteOperationMetadataSchema.field;
const { hash, sizeBytes } = DigestSchema.field;
const { worker, queuedTimestamp, workerStartTimestamp, workerCompletedTimestamp } = ExecutedActionMetadataSchema.field;
const { seconds, nanos } = TimestampSchema.field;

/**
 * The ExecuteOperationMetadata of an operation, packed. Its bytes depend on the record only and so change exactly when
 * the state does: google-gax reports each change as progress.
 */
export function operationMetadata(record: OperationRecord): Any {
  return packAny(METADATA_TYPE_URL, encode(record));
}

/** A worker of an earlier attempt says nothing of a job that waits, and a cancelled operation never changes again. */
function isOnWorker({ stage, cancelled }: OperationRecord): boolean {
  return stage >= Stage.EXECUTING && !cancelled;
}

/** One for all, as most of the cost of an encoding is the growing of its writer's memory. */
let writer = new BinaryWriter();

/** Encodes without making messages, several times as fast: long lists consist of it. */
function encode(record: OperationRecord): Uint8Array {
  try {
    write(record);
    return writer.finish();
  } catch (error) {
    writer = new BinaryWriter();
    throw error;
  }
}

function write(record: OperationRecord): void {
  const { action, queuedAt } = record.job;
  number(stage.number, record.stage);
  begin(actionDigest.number);
  text(hash.number, action.hash);
  number(sizeBytes.number, action.sizeBytes);
  writer.join();
  begin(partialExecutionMetadata.number);
  if (isOnWorker(record)) execution(record.job, isDone(record));
  else time(queuedTimestamp.number, queuedAt);
  writer.join();
  number(digestFunction.number, action.fn.wireValue);
}

/** What the worker reported, but with the server's name of the worker and time of queueing, and filled in by the server. */
function execution(job: JobRecord, done: boolean): void {
  const report = scanReport(job);
  if (job.worker !== undefined) text(worker.number, job.worker);
  time(queuedTimestamp.number, job.queuedAt);
  const startedAt = job.startedAt ?? job.assignedAt;
  if (startedAt !== undefined && !report.hasStart) time(workerStartTimestamp.number, startedAt);
  const ranToItsEnd = done && job.outcome?.exitCode !== undefined && !job.outcome.cached;
  if (ranToItsEnd && job.completedAt !== undefined && !report.hasEnd) {
    time(workerCompletedTimestamp.number, job.completedAt);
  }
  for (const bytes of report.kept) writer.raw(bytes);
}

interface Report {
  readonly hasStart: boolean;
  readonly hasEnd: boolean;
  /** The encoded fields that are shown as they are. */
  readonly kept: readonly Uint8Array[];
}

const NO_REPORT: Report = { hasStart: false, hasEnd: false, kept: [] };

/** A report that is damaged is as good as none. */
function scanReport({ partialMetadata, worker: knownWorker }: JobRecord): Report {
  if (!partialMetadata) return NO_REPORT;
  const report = { hasStart: false, hasEnd: false, kept: [] as Uint8Array[] };
  let from = 0;
  try {
    for (const fields = new FieldScanner(partialMetadata); fields.next(); ) {
      const { number, start, end } = fields;
      report.hasStart ||= number === workerStartTimestamp.number;
      report.hasEnd ||= number === workerCompletedTimestamp.number;
      const isOurs = number === queuedTimestamp.number || (number === worker.number && knownWorker !== undefined);
      if (!isOurs) continue;
      if (start > from) report.kept.push(partialMetadata.subarray(from, start));
      from = end;
    }
  } catch {
    return NO_REPORT;
  }
  report.kept.push(partialMetadata.subarray(from));
  return report;
}

function begin(field: number): void {
  writer.tag(field, WireType.LengthDelimited).fork();
}

function time(field: number, ms: number): void {
  const wholeSeconds = Math.floor(ms / 1000);
  begin(field);
  number(seconds.number, wholeSeconds);
  number(nanos.number, (ms - wholeSeconds * 1000) * 1e6);
  writer.join();
}

/** As in all of proto3, what is empty is left out. */
function text(field: number, value: string): void {
  if (value !== "") writer.tag(field, WireType.LengthDelimited).string(value);
}

function number(field: number, value: number): void {
  if (value === 0) return;
  writer.tag(field, WireType.Varint);
  if (value >>> 0 === value) writer.uint32(value);
  else writer.int64(value);
}
