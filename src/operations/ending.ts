import { create, mergeFromBinary } from "@bufbuild/protobuf";
import { ExecuteResponseSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type Status, StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { Code } from "../base/errors.ts";
import { FieldScanner } from "./field-scanner.ts";
import { encodeFailure } from "./outcome.ts";
import type { OperationRecord } from "./record.ts";

/** How an operation ended, before a view puts it into its own form. */
export interface Ending {
  /** Why there is no success; undefined on success, also when the command itself failed. */
  readonly failure: Status | undefined;
  /** Encoded ExecuteResponse: of a success always with a result, of a failure always with its status. */
  readonly response: Uint8Array;
}

const { result, status } = ExecuteResponseSchema.field;
const CANCELLED = failedEnding(Code.Canceled, "the operation was cancelled");
const DAMAGED = failedEnding(Code.DataLoss, "the stored response is damaged");

/**
 * How a done operation ended. What a cancelled one shows does not depend on its job, which may live on for others, so
 * that it never changes. A stored response that is not whole is a failure with DATA_LOSS, not an error, so that one bad
 * row spoils no list.
 */
export function endingOf(record: OperationRecord): Ending {
  if (record.cancelled) return CANCELLED;
  const { outcome } = record.job;
  const response = outcome && scanResponse(outcome.response);
  if (!response || (response.status?.code ?? 0) !== outcome.statusCode) return DAMAGED;
  if (outcome.statusCode !== 0) return { failure: response.status, response: outcome.response };
  return response.hasResult ? { failure: undefined, response: outcome.response } : DAMAGED;
}

function failedEnding(code: Code, message: string): Ending {
  return { failure: create(StatusSchema, { code, message }), response: encodeFailure(code, message) };
}

/**
 * The status of an ExecuteResponse and whether there is a result, of which only the fields are walked through: to decode
 * it costs many times as much, and a list has hundreds. Undefined when the bytes are no ExecuteResponse.
 */
function scanResponse(bytes: Uint8Array): { status: Status | undefined; hasResult: boolean } | undefined {
  let found: Status | undefined;
  let hasResult = false;
  try {
    for (const fields = new FieldScanner(bytes); fields.next(); ) {
      if (fields.number === result.number) {
        for (const inner = new FieldScanner(fields.message()); inner.next(); );
        hasResult = true;
      } else if (fields.number === status.number) {
        found = mergeFromBinary(StatusSchema, found ?? create(StatusSchema), fields.message());
      }
    }
    return { status: found, hasResult };
  } catch {
    return undefined;
  }
}
