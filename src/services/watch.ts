import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type OperationChangeSchema,
  type WatchOperationsResponse,
  WatchOperationsResponseSchema,
} from "../../gen/opgrid/v1/opgrid_pb.ts";
import type { WatchedBatch, WatchedChange } from "../instances/instances.ts";
import { formatOperationName, toLroOperation } from "../operations/operations.ts";
import { keepEncoding } from "./encodings.ts";

/** The same changes go to all who watch the same, and mostly at the same time. */
const responses = new WeakMap<readonly WatchedChange[], WatchOperationsResponse>();

/** A message of WatchOperations. */
export function watchResponse({ reset, changes, live, resumeToken }: WatchedBatch): WatchOperationsResponse {
  const known = responses.get(changes);
  if (known && known.reset === reset && known.live === live && known.resumeToken === resumeToken) return known;
  const wire = known?.changes ?? changes.map(wireChange);
  const response = keepEncoding(create(WatchOperationsResponseSchema, { reset, changes: wire, live, resumeToken }));
  responses.set(changes, response);
  return response;
}

function wireChange(change: WatchedChange): MessageInitShape<typeof OperationChangeSchema> {
  if (change.kind === "matches") {
    const { operation } = change;
    const name = formatOperationName(operation.instance, operation.id);
    return { change: { case: "operation", value: toLroOperation(operation, name) } };
  }
  const { instance, id } = change.key;
  return { change: { case: change.kind, value: formatOperationName(instance, id) } };
}
