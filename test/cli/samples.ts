import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  ExecutedActionMetadataSchema,
  ExecuteOperationMetadataSchema,
  type ExecuteResponse,
  ExecuteResponseSchema,
  ExecutionStage_Value,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type Operation, OperationSchema } from "../../gen/google/longrunning/operations_pb.ts";

/** When the sample operations were queued. */
export const QUEUED_AT = Date.UTC(2026, 0, 1, 12, 0, 0);
/** The action of the sample operations. */
export const ACTION = { hash: "ab".repeat(32), sizeBytes: 142n };

type Stage = keyof typeof ExecutionStage_Value;

interface Sample {
  readonly name?: string;
  readonly stage?: Stage;
  readonly worker?: string;
  readonly response?: MessageInitShape<typeof ExecuteResponseSchema>;
  readonly error?: { readonly code: number; readonly message: string };
}

function times(stage: Stage, worker: string) {
  const at = (ms: number) => timestampFromMs(QUEUED_AT + ms);
  return create(ExecutedActionMetadataSchema, {
    worker,
    queuedTimestamp: at(0),
    ...(stage !== "QUEUED" && { workerStartTimestamp: at(2_000) }),
    ...(stage === "COMPLETED" && { workerCompletedTimestamp: at(5_500) }),
  });
}

function resultOf({ response, error }: Sample, worker: string): Operation["result"] {
  const full: ExecuteResponse = create(ExecuteResponseSchema, response);
  if (full.result) full.result.executionMetadata = times("COMPLETED", worker);
  const packed = anyPack(ExecuteResponseSchema, full);
  if (!error) return { case: "response", value: packed };
  return { case: "error", value: { $typeName: "google.rpc.Status", ...error, details: [packed] } };
}

/** An operation of an execution, as a server sends it: QUEUED unless told otherwise. */
export function operation(sample: Sample = {}): Operation {
  const { name = "main/1", worker = "bot-1" } = sample;
  const stage = sample.stage ?? (sample.response || sample.error ? "COMPLETED" : "QUEUED");
  const metadata = create(ExecuteOperationMetadataSchema, {
    stage: ExecutionStage_Value[stage],
    actionDigest: ACTION,
    partialExecutionMetadata: times(stage, stage === "QUEUED" ? "" : worker),
  });
  const done = stage === "COMPLETED";
  return create(OperationSchema, {
    name,
    done,
    metadata: anyPack(ExecuteOperationMetadataSchema, metadata),
    ...(done && { result: resultOf(sample, worker) }),
  });
}

/** A response of a command that ended with an exit code. */
export function exited(exitCode: number): MessageInitShape<typeof ExecuteResponseSchema> {
  return { result: { exitCode } };
}
