import type { ConnectRouter } from "@connectrpc/connect";
import {
  ActionCache,
  Capabilities,
  ContentAddressableStorage,
  Execution,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { ByteStream } from "../../gen/google/bytestream/bytestream_pb.ts";
import { Bots } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import { Operations } from "../../gen/google/longrunning/operations_pb.ts";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionV1Alpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { actionCacheService } from "./action-cache.ts";
import { botsService } from "./bots.ts";
import { byteStreamService } from "./byte-stream.ts";
import { capabilitiesService } from "./capabilities.ts";
import { publicFiles, serviceNames } from "./catalog.ts";
import { contentAddressableStorageService } from "./content-addressable-storage.ts";
import type { WaitLimits } from "./deadline.ts";
import { executionService } from "./execution.ts";
import { healthService } from "./health.ts";
import { operationsService } from "./operations.ts";
import { reflectionService, reflectionV1AlphaService } from "./reflection.ts";

export { publicTypes, servicesOf } from "./catalog.ts";
export { setTarget } from "./target.ts";

/** Registers all services. */
export function registerServices(
  router: ConnectRouter,
  options: { identityFromHeaders: boolean; waitLimits: WaitLimits },
): ConnectRouter {
  const { waitLimits } = options;
  return router
    .service(Operations, operationsService(waitLimits))
    .service(Execution, executionService(options))
    .service(ContentAddressableStorage, contentAddressableStorageService())
    .service(ActionCache, actionCacheService())
    .service(ByteStream, byteStreamService())
    .service(Capabilities, capabilitiesService())
    .service(Bots, botsService(waitLimits))
    .service(Health, healthService({ services: serviceNames, draining: waitLimits.draining }))
    .service(ServerReflection, reflectionService(publicFiles, serviceNames))
    .service(ServerReflectionV1Alpha, reflectionV1AlphaService(publicFiles, serviceNames));
}
