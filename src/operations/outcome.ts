import { create, toBinary } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import {
  type ExecuteResponse,
  ExecuteResponseSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { Code } from "../base/errors.ts";
import type { JobOutcome } from "./record.ts";

/**
 * The outcome of a job that was answered: `cached` when the action cache had it and nothing ran. A response that claims
 * success without a result, which no REAPI client can take, becomes a failure with code INTERNAL.
 */
export function outcomeOf(response: ExecuteResponse, options: { cached: boolean }): JobOutcome {
  const { cached } = options;
  const statusCode = response.status?.code ?? 0;
  if (statusCode === 0 && !response.result)
    return failedOutcome(Code.Internal, "the worker reported success without a result");
  const encoded = toBinary(ExecuteResponseSchema, { ...response, cachedResult: cached });
  return { statusCode, exitCode: statusCode === 0 ? response.result?.exitCode : undefined, cached, response: encoded };
}

/** The outcome of a job that did not run to its end, with a google.rpc.Code other than OK and words for the user. */
export function failedOutcome(code: number, message: string, details: Any[] = []): JobOutcome {
  const response = encodeFailure(code, message, details);
  return { statusCode: code, exitCode: undefined, cached: false, response };
}

/** An encoded ExecuteResponse that holds nothing but a status. */
export function encodeFailure(code: number, message: string, details: Any[] = []): Uint8Array {
  return toBinary(ExecuteResponseSchema, create(ExecuteResponseSchema, { status: { code, message, details } }));
}
