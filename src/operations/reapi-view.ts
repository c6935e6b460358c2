import type { Operation } from "../../gen/google/longrunning/operations_pb.ts";
import { endingOf } from "./ending.ts";
import { operationMetadata } from "./operation-metadata.ts";
import { packAny, RESPONSE_TYPE_URL } from "./pack-any.ts";
import { isDone, type OperationRecord } from "./record.ts";

/**
 * An operation as the Execution service streams it, under the given name. When it is done there is always a `response`,
 * never an `error`: the status of the ExecuteResponse says what happened, with code 1 for a cancellation.
 */
export function toReapiOperation(record: OperationRecord, name: string): Operation {
  const done = isDone(record);
  const result = done ? resultOf(record) : { case: undefined };
  return { $typeName: "google.longrunning.Operation", name, metadata: operationMetadata(record), done, result };
}

function resultOf(record: OperationRecord): Operation["result"] {
  return { case: "response", value: packAny(RESPONSE_TYPE_URL, endingOf(record).response) };
}
