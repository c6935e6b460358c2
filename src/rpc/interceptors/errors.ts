import { inspect } from "node:util";
import type { Interceptor } from "@connectrpc/connect";
import { Code, cancelled, internal, StatusError } from "../../base/errors.ts";
import { newId } from "../../base/ids.ts";
import type { Logger } from "../../base/log.ts";

/** What has to be known of a call to judge an error that ended it. */
export interface FailedCall {
  /** `/package.Service/Method`. */
  readonly method: string;
  /** Aborted when the client is gone, the deadline has passed or the answer is complete. */
  readonly signal: AbortSignal;
}

/** How Node names the end of a request or a response whose other side is gone. */
const DISCONNECT_CODES = new Set([
  "ABORT_ERR",
  "ECONNRESET",
  "EPIPE",
  "ERR_HTTP2_INVALID_STREAM",
  "ERR_HTTP2_STREAM_CANCEL",
  "ERR_HTTP2_STREAM_ERROR",
  "ERR_STREAM_DESTROYED",
  "ERR_STREAM_PREMATURE_CLOSE",
  "ERR_STREAM_WRITE_AFTER_END",
]);

function isDisconnect(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === "AbortError" || ("code" in error && DISCONNECT_CODES.has(String(error.code)));
}

/** What a lost connection, and an HTTP/2 stream that ends with it, looks like from here. */
const DISCONNECT_STATUSES: ReadonlySet<Code> = new Set([Code.Aborted, Code.Internal]);

/** The status of a call whose signal ended it: the deadline's or the server's own reason, else CANCELLED. */
function abortStatus(reason: unknown): StatusError {
  if (reason instanceof StatusError && !DISCONNECT_STATUSES.has(reason.code)) return reason;
  return cancelled("the client went away");
}

/**
 * The status that answers whatever a handler threw. A StatusError is passed on; the echo of the call's own abort is
 * CANCELLED, or DEADLINE_EXCEEDED; the rest is a bug, which is logged with its stack and answered with INTERNAL and the
 * request id under which the log has it.
 */
export function toStatusError(error: unknown, call: FailedCall, log: Logger): StatusError {
  if (call.signal.aborted && (error === call.signal.reason || isDisconnect(error))) {
    return abortStatus(call.signal.reason);
  }
  if (error instanceof StatusError) return error;
  const requestId = newId();
  const err = error instanceof Error ? error : new Error(`thrown: ${inspect(error, { depth: 2 })}`);
  log.error({ err, method: call.method, requestId }, "a call failed with an unexpected error");
  return internal(requestId, err);
}

/** Gives every error that `messages` throws to `convert`, and passes an early end on to its source. */
function convertErrors<T>(messages: AsyncIterable<T>, convert: (error: unknown) => StatusError): AsyncIterable<T> {
  const raise = (error: unknown): never => {
    throw convert(error);
  };
  return {
    [Symbol.asyncIterator]: () => {
      const source = messages[Symbol.asyncIterator]();
      return {
        next: () => source.next().then(undefined, raise),
        return: async (value) => (await source.return?.(value).then(undefined, raise)) ?? { done: true, value },
        throw: async (error) => {
          if (!source.throw) throw convert(error);
          return source.throw(error).then(undefined, raise);
        },
      };
    },
  };
}

/** Stands outside of all that may fail: what leaves it is a StatusError, in a unary call and anywhere in a stream. */
export function errorsInterceptor(log: Logger): Interceptor {
  return (next) => async (request) => {
    const convert = (error: unknown) =>
      toStatusError(
        error,
        { method: `/${request.service.typeName}/${request.method.name}`, signal: request.signal },
        log,
      );
    try {
      const response = await next(request);
      return response.stream ? { ...response, message: convertErrors(response.message, convert) } : response;
    } catch (error) {
      throw convert(error);
    }
  };
}
