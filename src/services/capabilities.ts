import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  ActionCache,
  type Capabilities,
  Compressor_Value,
  ContentAddressableStorage,
  type DigestFunction_Value,
  Execution,
  ServerCapabilitiesSchema,
  SymlinkAbsolutePathStrategy_Value,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { digestFunctions } from "../base/digests.ts";
import type { Instance, InstanceSettings } from "../instances/instances.ts";
import { target } from "./target.ts";

const LOW_API = { major: 2, minor: 0 };
const HIGH_API = { major: 2, minor: 3 };

/** REAPI Capabilities: what the named instance really does, limits included. */
export function capabilitiesService(): ServiceImpl<typeof Capabilities> {
  return { getCapabilities: (_request, context) => describe(target(context).instance) };
}

function describe({ settings }: Instance) {
  const functions = digestFunctions.map((fn) => fn.wireValue as DigestFunction_Value);
  const caches =
    settings.services.has(ContentAddressableStorage.typeName) || settings.services.has(ActionCache.typeName);
  return create(ServerCapabilitiesSchema, {
    ...(caches && { cacheCapabilities: cacheCapabilities(settings, functions) }),
    ...(settings.services.has(Execution.typeName) && {
      executionCapabilities: executionCapabilities(settings, functions),
    }),
    lowApiVersion: LOW_API,
    highApiVersion: HIGH_API,
  });
}

function cacheCapabilities(settings: InstanceSettings, functions: DigestFunction_Value[]) {
  return {
    digestFunctions: functions,
    actionCacheUpdateCapabilities: {
      updateEnabled: settings.actionCacheUpdates && settings.services.has(ActionCache.typeName),
    },
    maxBatchTotalSizeBytes: BigInt(settings.maxBatchBytes),
    maxCasBlobSizeBytes: BigInt(settings.maxBlobBytes),
    symlinkAbsolutePathStrategy: SymlinkAbsolutePathStrategy_Value.ALLOWED,
    supportedCompressors: [Compressor_Value.IDENTITY],
    supportedBatchUpdateCompressors: [Compressor_Value.IDENTITY],
  };
}

function executionCapabilities(settings: InstanceSettings, functions: DigestFunction_Value[]) {
  return {
    ...(functions[0] !== undefined && { digestFunction: functions[0] }),
    digestFunctions: functions,
    execEnabled: true,
    executionPriorityCapabilities: {
      priorities: [{ minPriority: settings.minPriority, maxPriority: settings.maxPriority }],
    },
  };
}
