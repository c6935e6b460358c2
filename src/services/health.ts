import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type Health,
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema,
  HealthListResponseSchema,
} from "../../gen/grpc/health/v1/health_pb.ts";
import { notFound } from "../base/errors.ts";

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = HealthCheckResponse_ServingStatus;

/**
 * gRPC health: the whole server ("") and each service by full name are SERVING until the server drains, then NOT_SERVING,
 * which is also the last word of every Watch. An unknown service is NOT_FOUND in Check and SERVICE_UNKNOWN in Watch.
 */
export function healthService(options: {
  services: readonly string[];
  draining: AbortSignal;
}): ServiceImpl<typeof Health> {
  const known = new Set(["", ...options.services]);
  const present = () => (options.draining.aborted ? NOT_SERVING : SERVING);
  return {
    check: (request) => {
      if (!known.has(request.service)) throw notFound("service", request.service);
      return create(HealthCheckResponseSchema, { status: present() });
    },
    list: () => {
      const statuses = Object.fromEntries([...known].map((service) => [service, { status: present() }]));
      return create(HealthListResponseSchema, { statuses });
    },
    async *watch(request, context) {
      const served = known.has(request.service);
      const first = served ? present() : SERVICE_UNKNOWN;
      yield create(HealthCheckResponseSchema, { status: first });
      await fired(AbortSignal.any([context.signal, options.draining]));
      if (first === SERVING && !context.signal.aborted)
        yield create(HealthCheckResponseSchema, { status: NOT_SERVING });
    },
  };
}

function fired(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
