import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  RequestInfoSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
} from "../../gen/google/rpc/error_details_pb.ts";

/** The `domain` of every ErrorInfo that opgrid sends. */
export const ERROR_DOMAIN = "opgrid";

/** The canonical codes; the only error language between rooms. */
/** An error that a client may see: a canonical code, a message and typed details. Anything else thrown is a bug. */
export { Code, ConnectError as StatusError };

interface Detail<D extends DescMessage = DescMessage> {
  desc: D;
  value: MessageInitShape<D>;
}

/**
 * gRPC sends an error in header fields, of which common clients take 8 KiB in all: a longer one costs them the call or
 * even the connection. So what a client said is cut before it is said back.
 */
const LONGEST_MESSAGE_BYTES = 1024;
const LONGEST_DETAIL_BYTES = 512;

function cut(text: string, longestBytes: number): string {
  if (Buffer.byteLength(text) <= longestBytes) return text;
  // The character at the end may be cut in two, which reads as U+FFFD.
  return `${Buffer.from(text)
    .toString("utf8", 0, longestBytes)
    .replace(/\uFFFD+$/, "")}...`;
}

function cutAll(value: unknown): unknown {
  if (typeof value === "string") return cut(value, LONGEST_DETAIL_BYTES);
  if (Array.isArray(value)) return value.map(cutAll);
  if (value?.constructor !== Object) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, cutAll(each)]));
}

function detail<D extends DescMessage>(desc: D, value: MessageInitShape<D>): Detail {
  return { desc, value: cutAll(value) } as unknown as Detail;
}

function status(code: Code, message: string, ...details: Detail[]): ConnectError {
  return new ConnectError(cut(message, LONGEST_MESSAGE_BYTES), code, undefined, details);
}

function errorInfo(reason: string, metadata: Record<string, string>): Detail {
  return detail(ErrorInfoSchema, { reason, domain: ERROR_DOMAIN, metadata });
}

function retryInfo(delayMs: number): Detail {
  const seconds = Math.floor(delayMs / 1000);
  return detail(RetryInfoSchema, { retryDelay: { seconds: BigInt(seconds), nanos: (delayMs - seconds * 1000) * 1e6 } });
}

/** INVALID_ARGUMENT that names the field at fault (BadRequest). */
export function invalidField(field: string, description: string): ConnectError {
  const violation = { field, description };
  return status(
    Code.InvalidArgument,
    `${field}: ${description}`,
    detail(BadRequestSchema, { fieldViolations: [violation] }),
  );
}

/** INVALID_ARGUMENT with a machine-readable reason in UPPER_SNAKE_CASE (ErrorInfo). */
export function invalidArgument(reason: string, message: string, metadata: Record<string, string> = {}): ConnectError {
  return status(Code.InvalidArgument, message, errorInfo(reason, metadata));
}

/** NOT_FOUND for a resource of a type, as `operation` or `blob`, and a full name (ResourceInfo). */
export function notFound(resourceType: string, resourceName: string, description = ""): ConnectError {
  const message = `${resourceType} not found: ${resourceName}${description && ` (${description})`}`;
  return status(Code.NotFound, message, detail(ResourceInfoSchema, { resourceType, resourceName, description }));
}

/** One entry of a PreconditionFailure; REAPI's missing blobs have type `MISSING` and subject `blobs/<hash>/<size>`. */
export interface Violation {
  type: string;
  subject: string;
  description: string;
}

/** FAILED_PRECONDITION with one violation for each thing that is not as it must be. */
export function failedPrecondition(message: string, violations: Violation[]): ConnectError {
  return status(Code.FailedPrecondition, message, detail(PreconditionFailureSchema, { violations }));
}

/** UNAVAILABLE: nothing was done, the same call may succeed after `retryDelayMs` (RetryInfo). */
export function unavailable(message: string, retryDelayMs: number): ConnectError {
  return status(Code.Unavailable, message, retryInfo(retryDelayMs));
}

/** RESOURCE_EXHAUSTED: a limit or a full disk; `retryDelayMs` where waiting helps. */
export function resourceExhausted(reason: string, message: string, retryDelayMs?: number): ConnectError {
  const details = [errorInfo(reason, {})];
  if (retryDelayMs !== undefined) details.push(retryInfo(retryDelayMs));
  return status(Code.ResourceExhausted, message, ...details);
}

/** OUT_OF_RANGE: an offset outside of the content. */
export function outOfRange(message: string): ConnectError {
  return status(Code.OutOfRange, message);
}

/** UNIMPLEMENTED with a machine-readable reason (ErrorInfo). */
export function unimplemented(reason: string, message: string, metadata: Record<string, string> = {}): ConnectError {
  return status(Code.Unimplemented, message, errorInfo(reason, metadata));
}

/** ABORTED: a concurrent change won, or too many attempts. */
export function aborted(reason: string, message: string): ConnectError {
  return status(Code.Aborted, message, errorInfo(reason, {}));
}

/** DATA_LOSS: what should be there is damaged or gone for good. */
export function dataLoss(reason: string, message: string): ConnectError {
  return status(Code.DataLoss, message, errorInfo(reason, {}));
}

/** PERMISSION_DENIED with a machine-readable reason (ErrorInfo). */
export function permissionDenied(reason: string, message: string): ConnectError {
  return status(Code.PermissionDenied, message, errorInfo(reason, {}));
}

/** CANCELLED: the caller, or somebody on its behalf, gave up. */
export function cancelled(message: string): ConnectError {
  return status(Code.Canceled, message);
}

/** INTERNAL: a bug, which the log describes under `requestId` (RequestInfo). `cause` stays on this side. */
export function internal(requestId: string, cause: unknown): ConnectError {
  const details = [detail(RequestInfoSchema, { requestId })];
  return new ConnectError(`internal error, request id ${requestId}`, Code.Internal, undefined, details, cause);
}
