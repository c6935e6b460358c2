import { create } from "@bufbuild/protobuf";
import { ExecuteResponseSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type Operation, OperationSchema } from "../../gen/google/longrunning/operations_pb.ts";
import { endingOf } from "./ending.ts";
import { operationMetadata } from "./operation-metadata.ts";
import { packAny } from "./pack-any.ts";
import { isDone, type OperationRecord } from "./record.ts";

/**
 * An operation as the Execution service streams it, under the given name. When it is done there is always a `response`,
 * never an `error`: the status of the ExecuteResponse says what happened, with code 1 for a cancellation.
 */
export function toReapiOperation(record: OperationRecord, name: string): Operation {
  const metadata = operationMetadata(record);
  if (!isDone(record)) return create(OperationSchema, { name, metadata });
  const value = packAny(ExecuteResponseSchema, endingOf(record).response);
  return create(OperationSchema, { name, metadata, done: true, result: { case: "response", value } });
}
