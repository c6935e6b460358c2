import { createRegistry, type DescFile, type DescService, type Registry } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import {
  ActionCache,
  Capabilities,
  ContentAddressableStorage,
  Execution,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { file_build_buildgrid_identity } from "../../gen/build/buildgrid/identity_pb.ts";
import { ByteStream } from "../../gen/google/bytestream/bytestream_pb.ts";
import { Bots } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import { Operations } from "../../gen/google/longrunning/operations_pb.ts";
import { file_google_rpc_error_details } from "../../gen/google/rpc/error_details_pb.ts";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionV1Alpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { actionCacheService } from "./action-cache.ts";
import { botsService } from "./bots.ts";
import { byteStreamService } from "./byte-stream.ts";
import { capabilitiesService } from "./capabilities.ts";
import { contentAddressableStorageService } from "./content-addressable-storage.ts";
import type { WaitLimits } from "./deadline.ts";
import { executionService } from "./execution.ts";
import { healthService } from "./health.ts";
import { operationsService } from "./operations.ts";
import { reflectionService, reflectionV1AlphaService, withImports } from "./reflection.ts";

export { setTarget } from "./target.ts";

/** The services that belong to an instance, by their names in the configuration. */
const byConfigName = {
  operations: Operations,
  execution: Execution,
  cas: ContentAddressableStorage,
  action_cache: ActionCache,
  bytestream: ByteStream,
  capabilities: Capabilities,
  bots: Bots,
} satisfies Record<string, DescService>;

/** Full names of the services that a configuration names. */
export function servicesOf(names: readonly (keyof typeof byConfigName)[]): ReadonlySet<string> {
  return new Set(names.map((name) => byConfigName[name].typeName));
}

const instancedServices: readonly DescService[] = Object.values(byConfigName);

const serverServices: readonly DescService[] = [Health, ServerReflection, ServerReflectionV1Alpha];

/** Everything that this build serves, by full name. */
const serviceNames: readonly string[] = [...instancedServices, ...serverServices].map(({ typeName }) => typeName);

/** The types that clients may meet in an Any or a trailer, beside those of the services' own files. */
const furtherFiles = [file_google_rpc_error_details, file_build_buildgrid_identity];

/** Every file of the public API, those that are imported included. */
const publicFiles: readonly DescFile[] = withImports(
  [...instancedServices, ...serverServices].map(({ file }) => file).concat(furtherFiles),
);

/** Every type of the public API: what an Any may hold in a JSON message. */
export const publicTypes: Registry = createRegistry(...publicFiles);

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
