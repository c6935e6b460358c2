import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { type Status, StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { Code, StatusError } from "../base/errors.ts";
import { isTransient } from "./retry.ts";

/** The status of a lease that was done, whatever its command's exit code. */
export const okStatus: Status = create(StatusSchema);

/** A status without details. */
export function statusWith(code: Code, message: string): Status {
  return create(StatusSchema, { code, message });
}

/** The error when the worker, not the action, is at fault and another try may help. */
export function workerTrouble(message: string, cause?: unknown): StatusError {
  return new StatusError(message, Code.Unavailable, undefined, undefined, cause);
}

/**
 * What the server is told about an attempt that threw. A typed error is told as it is, with its details; one that
 * stands for a passing trouble becomes UNAVAILABLE and one of the system's becomes UNAVAILABLE or, when the action's
 * own names are too long, INVALID_ARGUMENT. Anything else is a bug of the worker: INTERNAL.
 */
export function statusOf(error: unknown): Status {
  if (error instanceof StatusError) {
    const code = isTransient(error) && error.code !== Code.Internal ? Code.Unavailable : error.code;
    return create(StatusSchema, { code, message: error.rawMessage, details: error.details.map(packDetail) });
  }
  const errno = systemErrorCode(error);
  if (errno === "ENAMETOOLONG") return statusWith(Code.InvalidArgument, `a path is too long: ${errorText(error)}`);
  if (errno !== undefined) return statusWith(Code.Unavailable, `worker: ${errorText(error)}`);
  return statusWith(Code.Internal, `worker: ${errorText(error)}`);
}

/** `ENOENT` and the like of an error from the operating system; undefined for any other error. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}

/** The message of anything thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function packDetail(detail: StatusError["details"][number]) {
  if ("desc" in detail) {
    const value = toBinary(detail.desc, create(detail.desc, detail.value));
    return create(AnySchema, { typeUrl: `type.googleapis.com/${detail.desc.typeName}`, value });
  }
  return create(AnySchema, { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value });
}
