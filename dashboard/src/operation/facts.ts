import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { type Any, anyIs } from "@bufbuild/protobuf/wkt";
import {
  type ActionResult,
  type ExecutedActionMetadata,
  ExecuteOperationMetadataSchema,
  type ExecuteResponse,
  ExecuteResponseSchema,
  ExecutionStage_Value,
} from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { Operation } from "../../../gen/google/longrunning/operations_pb.ts";
import type { BlobDigest } from "../cas/resource-names.ts";
import type { Standing } from "../ui/standing.ts";

/** What an operation says, unpacked. */
export interface Facts {
  readonly standing: Standing;
  readonly done: boolean;
  readonly digestFunction: number;
  readonly action: BlobDigest | undefined;
  /** The times that are known, and the worker. */
  readonly execution: ExecutedActionMetadata | undefined;
  readonly response: ExecuteResponse | undefined;
  readonly result: ActionResult | undefined;
  /** Why it failed or was cancelled. */
  readonly error: { readonly code: number; readonly message: string; readonly details: readonly Any[] } | undefined;
}

function unpack<D extends DescMessage>(any: Any | undefined, schema: D): MessageShape<D> | undefined {
  if (!any || !anyIs(any, schema)) return undefined;
  try {
    return fromBinary(schema, any.value);
  } catch {
    return undefined;
  }
}

/** Unpacks an operation; what is damaged or of another kind is as if it were not there. */
export function factsOf(operation: Operation): Facts {
  const metadata = unpack(operation.metadata, ExecuteOperationMetadataSchema);
  const error = operation.result.case === "error" ? operation.result.value : undefined;
  const packed = operation.result.case === "response" ? operation.result.value : error?.details[0];
  const response = unpack(packed, ExecuteResponseSchema);
  const result = response?.result;
  const status = error ?? (response?.status?.code ? response.status : undefined);
  return {
    standing: {
      stage: metadata?.stage ?? ExecutionStage_Value.UNKNOWN,
      cancelled: status?.code === 1,
      errorCode: status?.code ?? 0,
      exitCode: status ? undefined : result?.exitCode,
      cached: response?.cachedResult ?? false,
    },
    done: operation.done,
    digestFunction: metadata?.digestFunction ?? 0,
    action: metadata?.actionDigest,
    execution: result?.executionMetadata ?? metadata?.partialExecutionMetadata,
    response,
    result,
    error: status && {
      code: status.code,
      message: status.message,
      details: response && error ? error.details.slice(1) : status.details,
    },
  };
}
