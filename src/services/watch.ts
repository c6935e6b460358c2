import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type OperationChangeSchema,
  OperationView,
  type WatchOperationsResponse,
  WatchOperationsResponseSchema,
} from "../../gen/opgrid/v1/opgrid_pb.ts";
import { invalidField } from "../base/errors.ts";
import type { WatchedBatch, WatchedChange } from "../instances/instances.ts";
import { formatOperationName, toLroOperation, toSummary } from "../operations/operations.ts";
import { keepEncoding } from "./encodings.ts";

/** The same changes go to all who watch the same in the same view, and mostly at the same time. */
const createResponses = () => new WeakMap<readonly WatchedChange[], WatchOperationsResponse>();
const wholes = createResponses();
const summaries = createResponses();

/** Whether a request asks for summaries. INVALID_ARGUMENT on the field `view` for a view that is not known. */
export function wantsSummaries(view: OperationView): boolean {
  if (view === OperationView.SUMMARY) return true;
  if (view === OperationView.UNSPECIFIED) return false;
  throw invalidField("view", `there is no view ${view}`);
}

/** A message of WatchOperations, with summaries of operations or the whole of them. */
export function watchResponse(batch: WatchedBatch, asSummaries: boolean): WatchOperationsResponse {
  const { reset, changes, live, truncated, resumeToken } = batch;
  const responses = asSummaries ? summaries : wholes;
  const known = responses.get(changes);
  if (known && isSame(known, batch)) return known;
  const wire = known?.changes ?? changes.map((change) => wireChange(change, asSummaries));
  const fields = { reset, changes: wire, live, truncated, resumeToken };
  const response = keepEncoding(create(WatchOperationsResponseSchema, fields));
  responses.set(changes, response);
  return response;
}

function isSame(response: WatchOperationsResponse, { reset, live, truncated, resumeToken }: WatchedBatch): boolean {
  const { resumeToken: token } = response;
  return (
    response.reset === reset && response.live === live && response.truncated === truncated && token === resumeToken
  );
}

function wireChange(change: WatchedChange, asSummary: boolean): MessageInitShape<typeof OperationChangeSchema> {
  if (change.kind !== "matches") {
    const { instance, id } = change.key;
    return { change: { case: change.kind, value: formatOperationName(instance, id) } };
  }
  const { operation } = change;
  if (asSummary) return { change: { case: "summary", value: toSummary(operation) } };
  const name = formatOperationName(operation.instance, operation.id);
  return { change: { case: "operation", value: toLroOperation(operation, name) } };
}
