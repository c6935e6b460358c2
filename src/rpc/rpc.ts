import { type ConnectRouter, createServiceImplSpec, type Interceptor } from "@connectrpc/connect";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Readiness } from "../base/readiness.ts";
import type { Instances } from "../instances/instances.ts";
import { createServices, type JsonTypes, type ServedService } from "../services/services.ts";
import { createFastPath, type FastPath, type FastPathPort } from "./fast-path/fast-path.ts";
import { cacheInterceptor } from "./interceptors/cache.ts";
import { dispatchInterceptor } from "./interceptors/dispatch.ts";
import { drainInterceptor } from "./interceptors/drain.ts";
import { errorsInterceptor } from "./interceptors/errors.ts";
import { jsonInterceptor } from "./interceptors/json.ts";
import { logInterceptor } from "./interceptors/log.ts";
import { createInvoke, type UnarySpec } from "./invoke.ts";
import { createInvokeStream, type StreamSpec } from "./invoke-stream.ts";

export { createJsonTypes, publicTypes, readDescriptorSet, servicesOf } from "../services/services.ts";
export type { FastPath, FastPathPort } from "./fast-path/fast-path.ts";
export { nodeTrailers, relaxGrpcMessage } from "./grpc-trailers.ts";

/** All services and what happens around each call: the same for the port and for an in-memory router. */
export interface Rpc {
  readonly routes: (router: ConnectRouter) => ConnectRouter;
  /** Outermost first. */
  readonly interceptors: readonly Interceptor[];
  /** Makes what answers plain gRPC calls beside Connect, with the same services and the same around each call. */
  readonly fastPath: (port: FastPathPort) => FastPath;
}

/** Puts the protocol layer together. */
export function createRpc(options: {
  instances: Instances;
  log: Logger;
  clock: Clock;
  /** Fires when the server begins to shut down. */
  draining: AbortSignal;
  /** What gRPC health tells. */
  readiness: Readiness;
  identityFromHeaders: boolean;
  /** Its registry is the one that JSON has to be encoded with. */
  jsonTypes: JsonTypes;
  /** The longest that a call which waits is held open. */
  longestWaitMs: number;
}): Rpc {
  const { instances, log, clock, draining, readiness, identityFromHeaders } = options;
  const waitLimits = { longestMs: options.longestWaitMs, draining };
  const services = createServices({ identityFromHeaders, waitLimits, readiness });
  const exempt = [Health];
  const around = { instances, log, draining, exempt };
  const [invoke, invokeStream] = [createInvoke(around), createInvokeStream(around)];
  return {
    routes: (router) => services.reduce((all, each) => all.service(each.service, each.implementation), router),
    interceptors: [
      cacheInterceptor(),
      // Outside of the errors, so that it has what the client got and not how its disconnect looked from within.
      logInterceptor(log),
      errorsInterceptor(log),
      drainInterceptor(draining, exempt),
      dispatchInterceptor(instances),
      jsonInterceptor(options.jsonTypes),
    ],
    fastPath: (port) => createFastPath({ specs: services.flatMap(specsOf), invoke, invokeStream, port, clock, log }),
  };
}

/** The methods whose request is one message. */
function specsOf({ service, implementation }: ServedService): (UnarySpec | StreamSpec)[] {
  const { methods } = createServiceImplSpec(service, implementation);
  return Object.values(methods).filter((spec) => spec.kind === "unary" || spec.kind === "server_streaming");
}
