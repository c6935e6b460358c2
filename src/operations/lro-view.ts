import type { Operation } from "../../gen/google/longrunning/operations_pb.ts";
import { type Ending, endingOf } from "./ending.ts";
import { operationMetadata } from "./operation-metadata.ts";
import { packAny, RESPONSE_TYPE_URL } from "./pack-any.ts";
import { isDone, type OperationRecord } from "./record.ts";

/**
 * An operation as the Operations service shows it, under the given name. A success has the ExecuteResponse as its
 * `response`, also when the command's exit code is not 0. Anything else, a cancellation (code 1) included, has an `error`
 * whose first detail is the ExecuteResponse, followed by the details of its status.
 */
export function toLroOperation(record: OperationRecord, name: string): Operation {
  const done = isDone(record);
  const result = done ? resultOf(endingOf(record)) : { case: undefined };
  return { $typeName: "google.longrunning.Operation", name, metadata: operationMetadata(record), done, result };
}

function resultOf({ failure, response }: Ending): Operation["result"] {
  const packed = packAny(RESPONSE_TYPE_URL, response);
  if (!failure) return { case: "response", value: packed };
  return { case: "error", value: { ...failure, details: [packed, ...failure.details] } };
}
