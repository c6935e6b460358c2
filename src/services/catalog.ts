import { createRegistry, type DescFile, type DescService, type Registry } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import {
  ActionCache,
  Capabilities,
  ContentAddressableStorage,
  Execution,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { file_build_buildgrid_identity } from "../../gen/build/buildgrid/identity_pb.ts";
import { Introspection } from "../../gen/build/buildgrid/introspection_pb.ts";
import { ByteStream } from "../../gen/google/bytestream/bytestream_pb.ts";
import { Bots } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import { Operations } from "../../gen/google/longrunning/operations_pb.ts";
import { file_google_rpc_error_details } from "../../gen/google/rpc/error_details_pb.ts";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionV1Alpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { FarmService } from "../../gen/opgrid/v1/opgrid_pb.ts";

/** The services that belong to an instance, by their names in the configuration. */
const byConfigName = {
  operations: [Operations],
  execution: [Execution],
  cas: [ContentAddressableStorage],
  action_cache: [ActionCache],
  bytestream: [ByteStream],
  capabilities: [Capabilities],
  bots: [Bots],
  farm: [FarmService, Introspection],
} satisfies Record<string, readonly DescService[]>;

/** Full names of the services that a configuration names. */
export function servicesOf(names: readonly (keyof typeof byConfigName)[]): ReadonlySet<string> {
  return new Set(names.flatMap((name) => byConfigName[name].map(({ typeName }) => typeName)));
}

/** The names in the configuration of services, of which there are the full names. */
export function configNamesOf(fullNames: ReadonlySet<string>): string[] {
  const isThere = ({ typeName }: DescService) => fullNames.has(typeName);
  return Object.entries(byConfigName).flatMap(([name, services]) => (services.every(isThere) ? [name] : []));
}

const services: readonly DescService[] = [
  ...Object.values(byConfigName).flat(),
  Health,
  ServerReflection,
  ServerReflectionV1Alpha,
];

/** Everything that this build serves, by full name. */
export const serviceNames: readonly string[] = services.map(({ typeName }) => typeName);

/** The types that clients may meet in an Any or a trailer, beside those of the services' own files. */
const furtherFiles = [file_google_rpc_error_details, file_build_buildgrid_identity];

/** Every file of the public API, those that are imported included. */
export const publicFiles: readonly DescFile[] = withImports(services.map(({ file }) => file).concat(furtherFiles));

/** Every type of the public API. */
export const knownTypes: Registry = createRegistry(...publicFiles);

/** The same, and for the name of any other type a message that reads whatever is in it. */
export const publicTypes: Registry = {
  ...knownTypes,
  getMessage: (typeName) => knownTypes.getMessage(typeName) ?? { ...EmptySchema, typeName },
};

/** The files and all that they import, each once. */
export function withImports(files: readonly DescFile[]): DescFile[] {
  const all = new Set<DescFile>();
  const collect = (file: DescFile) => {
    if (all.has(file)) return;
    all.add(file);
    file.dependencies.forEach(collect);
  };
  files.forEach(collect);
  return [...all];
}
