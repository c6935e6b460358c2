import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Operation } from "../../gen/google/longrunning/operations_pb.ts";
import { type WatchOperationsResponse, WatchOperationsResponseSchema } from "../../gen/opgrid/v1/opgrid_pb.ts";

type Change = NonNullable<MessageInitShape<typeof WatchOperationsResponseSchema>["changes"]>[number];

/** It matches. */
export function matching(operation: Operation): Change {
  return { change: { case: "operation", value: operation } };
}

/** It matches no more. */
export function left(name: string): Change {
  return { change: { case: "left", value: name } };
}

/** It is no more. */
export function deleted(name: string): Change {
  return { change: { case: "deleted", value: name } };
}

/** A message of WatchOperations: live and no reset unless told otherwise. */
export function news(
  changes: readonly Change[],
  rest: { readonly reset?: boolean; readonly live?: boolean; readonly resumeToken?: string } = {},
): WatchOperationsResponse {
  return create(WatchOperationsResponseSchema, { live: true, resumeToken: "t", ...rest, changes: [...changes] });
}

/** Resolves when a call is given up. */
export function hangUp(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
