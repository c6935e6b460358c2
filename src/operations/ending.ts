import { create, fromBinary } from "@bufbuild/protobuf";
import {
  type ExecuteResponse,
  ExecuteResponseSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type Status, StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { Code } from "../base/errors.ts";
import { encodeFailure } from "./outcome.ts";
import type { OperationRecord } from "./record.ts";

/** How an operation ended, before a view puts it into its own form. */
export interface Ending {
  /** Why there is no success; undefined on success, also when the command itself failed. */
  readonly failure: Status | undefined;
  /** Encoded ExecuteResponse: of a success always with a result, of a failure always with its status. */
  readonly response: Uint8Array;
}

const CANCELLED = failedEnding(Code.Canceled, "the operation was cancelled");
const DAMAGED = failedEnding(Code.DataLoss, "the stored response is damaged");

/**
 * How a done operation ended. What a cancelled one shows does not depend on its job, which may live on for others, so
 * that it never changes. A stored response that cannot be read is a failure with DATA_LOSS, not an error, so that one
 * bad row spoils no list.
 */
export function endingOf(record: OperationRecord): Ending {
  if (record.cancelled) return CANCELLED;
  const { outcome } = record.job;
  const response = outcome && decodeResponse(outcome.response);
  if (!response || (response.status?.code ?? 0) !== outcome.statusCode) return DAMAGED;
  if (outcome.statusCode !== 0) return { failure: response.status, response: outcome.response };
  return response.result ? { failure: undefined, response: outcome.response } : DAMAGED;
}

function failedEnding(code: Code, message: string): Ending {
  return { failure: create(StatusSchema, { code, message }), response: encodeFailure(code, message) };
}

function decodeResponse(bytes: Uint8Array): ExecuteResponse | undefined {
  try {
    return fromBinary(ExecuteResponseSchema, bytes);
  } catch {
    return undefined;
  }
}
