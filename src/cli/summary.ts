import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { type Any, anyUnpack, type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  ExecuteOperationMetadataSchema,
  type ExecuteResponse,
  ExecuteResponseSchema,
  ExecutionStage_ValueSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { Operation } from "../../gen/google/longrunning/operations_pb.ts";
import { Code } from "../base/errors.ts";
import { ExitCode } from "./exit-codes.ts";
import { codeName } from "./failure.ts";

/** The parts of an operation that people ask for. Times are milliseconds since the epoch. */
export interface Summary {
  readonly name: string;
  /** `QUEUED`, `EXECUTING` ...; RUNNING or DONE for an operation that is no execution. */
  readonly stage: string;
  /** How it ended: `ok`, `cached`, `exit 1`, or the name of a status code; "" while it runs. */
  readonly result: string;
  /** What the server says about a failure. */
  readonly message: string;
  /** What `wait` and `watch` exit with; undefined while it runs. */
  readonly exitCode: ExitCode | undefined;
  readonly queuedAt: number | undefined;
  readonly startedAt: number | undefined;
  readonly completedAt: number | undefined;
  readonly worker: string;
  /** `hash/size`, or "". */
  readonly action: string;
  readonly response: ExecuteResponse | undefined;
}

function unpack<D extends DescMessage>(any: Any | undefined, schema: D): MessageShape<D> | undefined {
  try {
    return any && anyUnpack(any, schema);
  } catch {
    return undefined;
  }
}

/** The ExecuteResponse of either view: the `response`, or, beside an `error`, among its details. */
function responseOf({ result }: Operation): ExecuteResponse | undefined {
  if (result.case === "response") return unpack(result.value, ExecuteResponseSchema);
  if (result.case !== "error") return undefined;
  return result.value.details.map((any) => unpack(any, ExecuteResponseSchema)).find((found) => found !== undefined);
}

type Ending = Pick<Summary, "result" | "message" | "exitCode">;

function endingOf(operation: Operation, response: ExecuteResponse | undefined): Ending {
  if (!operation.done) return { result: "", message: "", exitCode: undefined };
  const status = operation.result.case === "error" ? operation.result.value : response?.status;
  const message = status?.message || response?.message || "";
  if (status && status.code !== 0) {
    const cancelled = status.code === Code.Canceled;
    return {
      result: codeName(status.code),
      message,
      exitCode: cancelled ? ExitCode.OPERATION_CANCELLED : ExitCode.OPERATION_FAILED,
    };
  }
  const commandExit = response?.result?.exitCode ?? 0;
  if (commandExit !== 0) return { result: `exit ${commandExit}`, message, exitCode: ExitCode.COMMAND_FAILED };
  return { result: response?.cachedResult ? "cached" : "ok", message, exitCode: ExitCode.OK };
}

/** The last moment, and with a minus the first one, that a Date can be. */
const LAST_MS = 8.64e15;

/** A bot can report any time; what no calendar has is none. */
function ms(timestamp: Timestamp | undefined): number | undefined {
  const at = timestamp && timestampMs(timestamp);
  return at !== undefined && Math.abs(at) <= LAST_MS ? at : undefined;
}

/** Reads an operation as the Operations service or an Execution stream sends it. Never throws. */
export function summarize(operation: Operation): Summary {
  const metadata = unpack(operation.metadata, ExecuteOperationMetadataSchema);
  const response = responseOf(operation);
  const partial = metadata?.partialExecutionMetadata;
  // The times of a cached result are those of the execution that made it, long ago.
  const times = (response?.cachedResult ? undefined : response?.result?.executionMetadata) ?? partial;
  const digest = metadata?.actionDigest;
  const stage = metadata && ExecutionStage_ValueSchema.value[metadata.stage]?.name;
  return {
    name: operation.name,
    stage: stage ?? (operation.done ? "DONE" : "RUNNING"),
    ...endingOf(operation, response),
    queuedAt: ms(times?.queuedTimestamp ?? partial?.queuedTimestamp),
    startedAt: ms(times?.workerStartTimestamp),
    completedAt: ms(times?.workerCompletedTimestamp),
    worker: times?.worker || partial?.worker || "",
    action: digest ? `${digest.hash}/${digest.sizeBytes}` : "",
    response,
  };
}

type Times = Pick<Summary, "queuedAt" | "startedAt" | "completedAt" | "exitCode">;

/** How long it waited for a worker, in milliseconds; until now when it still does. */
export function waitedMs({ queuedAt, startedAt, exitCode }: Times, nowMs: number): number | undefined {
  if (queuedAt === undefined) return undefined;
  if (startedAt !== undefined) return Math.max(0, startedAt - queuedAt);
  return exitCode === undefined ? Math.max(0, nowMs - queuedAt) : undefined;
}

/** How long a worker was busy with it, in milliseconds; until now when it still is. */
export function ranMs({ startedAt, completedAt, exitCode }: Times, nowMs: number): number | undefined {
  if (startedAt === undefined) return undefined;
  if (completedAt !== undefined) return Math.max(0, completedAt - startedAt);
  return exitCode === undefined ? Math.max(0, nowMs - startedAt) : undefined;
}
