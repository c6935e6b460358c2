import type { FastifyInstance } from "fastify";

const LONGEST_TIMER_MS = 2 ** 31 - 1;
const UNITS_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

function grpcTimeoutMs(value: string): number {
  return Number(value.slice(0, -1)) * (UNITS_MS[value.slice(-1)] ?? 0);
}

/** A deadline that is further away than a timer can reach, some 24 days, is as good as none: it is taken off the request. */
export function dropEndlessDeadlines(app: FastifyInstance): void {
  app.addHook("onRequest", ({ raw: { headers } }, _reply, done) => {
    const { "grpc-timeout": grpc, "connect-timeout-ms": connect } = headers;
    if (typeof grpc === "string" && grpcTimeoutMs(grpc) > LONGEST_TIMER_MS) delete headers["grpc-timeout"];
    if (typeof connect === "string" && Number(connect) > LONGEST_TIMER_MS) delete headers["connect-timeout-ms"];
    done();
  });
}
