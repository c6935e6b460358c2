import type { JsonObject } from "@bufbuild/protobuf";
import { type Operation, OperationSchema } from "../../gen/google/longrunning/operations_pb.ts";
import { messageJson } from "../base/message-json.ts";

/** An operation as protobuf JSON, whatever it holds. */
export function operationJson(operation: Operation): JsonObject {
  return messageJson(OperationSchema, operation);
}
