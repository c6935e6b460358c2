import type { IncomingHttpHeaders } from "node:http";
import type { FastifyInstance } from "fastify";

const LONGEST_TIMER_MS = 2 ** 31 - 1;
const UNITS_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

function grpcTimeoutMs(value: string): number {
  return Number(value.slice(0, -1)) * (UNITS_MS[value.slice(-1)] ?? 0);
}

/** A deadline that is further away than a timer can reach, some 24 days, is as good as none: it is taken off the request. */
export function dropEndlessDeadline(headers: IncomingHttpHeaders): void {
  const { "grpc-timeout": grpc, "connect-timeout-ms": connect } = headers;
  if (typeof grpc === "string" && grpcTimeoutMs(grpc) > LONGEST_TIMER_MS) delete headers["grpc-timeout"];
  if (typeof connect === "string" && Number(connect) > LONGEST_TIMER_MS) delete headers["connect-timeout-ms"];
}

/** dropEndlessDeadline for every request that comes to Fastify. */
export function dropEndlessDeadlines(app: FastifyInstance): void {
  app.addHook("onRequest", ({ raw }, _reply, done) => {
    dropEndlessDeadline(raw.headers);
    done();
  });
}
