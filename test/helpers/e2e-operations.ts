import assert from "node:assert/strict";
import { fromBinary } from "@bufbuild/protobuf";
import {
  type ExecuteOperationMetadata,
  ExecuteOperationMetadataSchema,
  type ExecuteResponse,
  ExecuteResponseSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { Operation } from "../../gen/google/longrunning/operations_pb.ts";
import type { Clients } from "./e2e-actions.ts";

/** All operations of the instance `main` that the filter selects, page by page. */
export async function listAll({ operations }: Clients, filter: string): Promise<Operation[]> {
  const all: Operation[] = [];
  let pageToken = "";
  do {
    const page = await operations.listOperations({ name: "main", filter, pageSize: 25, pageToken });
    all.push(...page.operations);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return all;
}

/** The metadata of an execution. */
export function metadataOf({ name, metadata }: Operation): ExecuteOperationMetadata {
  assert(metadata, `${name} has no metadata`);
  return fromBinary(ExecuteOperationMetadataSchema, metadata.value);
}

/** The response of an execution that succeeded. */
export function executionOf({ name, result }: Operation): ExecuteResponse {
  assert(result.case === "response", `${name} has no response`);
  return fromBinary(ExecuteResponseSchema, result.value.value);
}
