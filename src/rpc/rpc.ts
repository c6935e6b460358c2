import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import type { Logger } from "../base/log.ts";
import type { Instances } from "../instances/instances.ts";
import { registerServices } from "../services/services.ts";
import { cacheInterceptor } from "./interceptors/cache.ts";
import { dispatchInterceptor } from "./interceptors/dispatch.ts";
import { drainInterceptor } from "./interceptors/drain.ts";
import { errorsInterceptor } from "./interceptors/errors.ts";
import { logInterceptor } from "./interceptors/log.ts";

export { publicTypes, servicesOf } from "../services/services.ts";

/** All services and what happens around each call: the same for the port and for an in-memory router. */
export interface Rpc {
  readonly routes: (router: ConnectRouter) => ConnectRouter;
  /** Outermost first. */
  readonly interceptors: readonly Interceptor[];
}

/** Puts the protocol layer together. */
export function createRpc(options: {
  instances: Instances;
  log: Logger;
  /** Fires when the server begins to shut down. */
  draining: AbortSignal;
  identityFromHeaders: boolean;
  /** The longest that a call which waits is held open. */
  longestWaitMs: number;
}): Rpc {
  const { instances, log, draining, identityFromHeaders } = options;
  const waitLimits = { longestMs: options.longestWaitMs, draining };
  return {
    routes: (router) => registerServices(router, { identityFromHeaders, waitLimits }),
    interceptors: [
      cacheInterceptor(),
      // Outside of the errors, so that it has what the client got and not how its disconnect looked from within.
      logInterceptor(log),
      errorsInterceptor(log),
      drainInterceptor(draining, [Health]),
      dispatchInterceptor(instances),
    ],
  };
}
