import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type OperationSummary, OperationSummarySchema } from "../../gen/opgrid/v1/opgrid_pb.ts";
import { fromDigest } from "../base/wire-digests.ts";
import { clientIdentityOf, requestMetadataOf } from "./caller.ts";
import { scalarKeys } from "./filter-keys.ts";
import type { ScalarKey } from "./filter-tree.ts";
import { formatOperationName } from "./names.ts";
import type { OperationRecord } from "./record.ts";

const LONGEST_COMMAND = 200;

/** The store gives out the same record as long as nothing has changed, so that its summary is made once. */
const summaries = new WeakMap<OperationRecord, OperationSummary>();

/** What a table shows of an operation; a field has the value that filters know under its name. */
export function toSummary(record: OperationRecord): OperationSummary {
  const known = summaries.get(record);
  if (known) return known;
  const summary = summaryOf(record);
  summaries.set(record, summary);
  return summary;
}

function summaryOf(record: OperationRecord): OperationSummary {
  const { instance, id, stage, cancelled, job } = record;
  return create(OperationSummarySchema, {
    name: formatOperationName(instance, id),
    stage,
    cancelled,
    errorCode: number(record, "error.code") ?? 0,
    exitCode: number(record, "exit_code"),
    cached: number(record, "cached") === 1,
    command: beginningOf(job.command),
    actionDigest: fromDigest(job.action),
    priority: job.priority,
    attempts: job.attempts,
    worker: job.worker ?? "",
    queuedTime: time(record, "queued_time"),
    startTime: time(record, "start_time"),
    completedTime: time(record, "completed_time"),
    updateTime: time(record, "update_time"),
    requestMetadata: requestMetadataOf(record),
    clientIdentity: clientIdentityOf(record),
  });
}

function number(record: OperationRecord, key: ScalarKey): number | undefined {
  const value = scalarKeys[key].read(record);
  return value === null ? undefined : Number(value);
}

function time(record: OperationRecord, key: ScalarKey) {
  const ms = number(record, key);
  return ms === undefined ? undefined : timestampFromMs(ms);
}

/** Never half a character. */
function beginningOf(command: string): string {
  const beginning = command.slice(0, LONGEST_COMMAND);
  return beginning.isWellFormed() ? beginning : beginning.slice(0, -1);
}
