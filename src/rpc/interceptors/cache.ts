import type { Interceptor } from "@connectrpc/connect";
import { StatusError } from "../../base/errors.ts";

function forbid(headers: Headers): void {
  headers.set("cache-control", "no-store");
}

/**
 * Forbids browsers and proxies to keep what a Connect GET answers: operations change, and by the rules of HTTP even a
 * NOT_FOUND could be kept for a while.
 */
export function cacheInterceptor(): Interceptor {
  return (next) => async (request) => {
    if (request.requestMethod !== "GET") return next(request);
    try {
      const response = await next(request);
      forbid(response.header);
      return response;
    } catch (error) {
      const status = StatusError.from(error);
      forbid(status.metadata);
      throw status;
    }
  };
}
