import type { DescService } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  ActionCache,
  Capabilities,
  ContentAddressableStorage,
  Execution,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { Introspection } from "../../gen/build/buildgrid/introspection_pb.ts";
import { ByteStream } from "../../gen/google/bytestream/bytestream_pb.ts";
import { Bots } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import { Operations } from "../../gen/google/longrunning/operations_pb.ts";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionV1Alpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { FarmService } from "../../gen/opgrid/v1/opgrid_pb.ts";
import type { Readiness } from "../base/readiness.ts";
import { actionCacheService } from "./action-cache.ts";
import { botsService } from "./bots.ts";
import { byteStreamService } from "./byte-stream.ts";
import { capabilitiesService } from "./capabilities.ts";
import { publicFiles, serviceNames } from "./catalog.ts";
import { contentAddressableStorageService } from "./content-addressable-storage.ts";
import type { WaitLimits } from "./deadline.ts";
import { executionService } from "./execution.ts";
import { farmService } from "./farm.ts";
import { healthService } from "./health.ts";
import { introspectionService } from "./introspection.ts";
import { operationsService } from "./operations.ts";
import { reflectionService, reflectionV1AlphaService } from "./reflection.ts";

export { publicTypes, servicesOf } from "./catalog.ts";
export { readDescriptorSet } from "./descriptor-set.ts";
export { encodingOf } from "./encodings.ts";
export { createJsonTypes, type JsonTypes } from "./json-types.ts";
export { setTarget } from "./target.ts";

/** A service and what answers its calls. */
export interface ServedService {
  readonly service: DescService;
  readonly implementation: ServiceImpl<DescService>;
}

/** Makes all services. */
export function createServices(options: {
  identityFromHeaders: boolean;
  waitLimits: WaitLimits;
  readiness: Readiness;
}): ServedService[] {
  const { waitLimits, readiness } = options;
  return [
    served(Operations, operationsService(options)),
    served(Execution, executionService(options)),
    served(ContentAddressableStorage, contentAddressableStorageService()),
    served(ActionCache, actionCacheService()),
    served(ByteStream, byteStreamService()),
    served(Capabilities, capabilitiesService()),
    served(Bots, botsService(waitLimits)),
    served(FarmService, farmService(options)),
    served(Introspection, introspectionService()),
    served(Health, healthService({ services: serviceNames, readiness })),
    served(ServerReflection, reflectionService(publicFiles, serviceNames)),
    served(ServerReflectionV1Alpha, reflectionV1AlphaService(publicFiles, serviceNames)),
  ];
}

function served<S extends DescService>(service: S, implementation: ServiceImpl<S>): ServedService {
  return { service, implementation: implementation as ServiceImpl<DescService> };
}
