import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type Health,
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema,
  HealthListResponseSchema,
} from "../../gen/grpc/health/v1/health_pb.ts";
import { notFound } from "../base/errors.ts";
import type { Readiness, ReadyState } from "../base/readiness.ts";

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = HealthCheckResponse_ServingStatus;

function statusOf(state: ReadyState) {
  return state === "ready" ? SERVING : NOT_SERVING;
}

/**
 * gRPC health: the whole server ("") and each service by full name are SERVING while the server is ready, as `GET /readyz`
 * has it. A Watch tells each change; NOT_SERVING of a server that drains is its last word. An unknown service is NOT_FOUND
 * in Check and SERVICE_UNKNOWN in Watch, for as long as that lasts.
 */
export function healthService(options: {
  services: readonly string[];
  readiness: Readiness;
}): ServiceImpl<typeof Health> {
  const { readiness } = options;
  const known = new Set(["", ...options.services]);
  return {
    check: async (request) => {
      if (!known.has(request.service)) throw notFound("service", request.service);
      return create(HealthCheckResponseSchema, { status: statusOf(await readiness.now()) });
    },
    list: async () => {
      const status = statusOf(await readiness.now());
      const statuses = Object.fromEntries([...known].map((service) => [service, { status }]));
      return create(HealthListResponseSchema, { statuses });
    },
    async *watch(request, context) {
      const served = known.has(request.service);
      let told: HealthCheckResponse_ServingStatus | undefined;
      for await (const state of readiness.follow(context.signal)) {
        const status = served ? statusOf(state) : SERVICE_UNKNOWN;
        if (status !== told) yield create(HealthCheckResponseSchema, { status });
        told = status;
      }
    },
  };
}
