import type { Message } from "@bufbuild/protobuf";
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
import { FarmService } from "../../gen/opgrid/v1/opgrid_pb.ts";
import { invalidField } from "../base/errors.ts";
import { type BlobName, parseReadName, parseWriteName } from "../cas/cas.ts";
import { parseOperationName } from "../operations/operations.ts";

/** What a request is about: an instance, and in it perhaps an operation or session id, or a blob. */
export interface Target {
  readonly instance: string;
  /** The last part of the name in the request, "" where the request names the instance only. */
  readonly id: string;
  readonly blob: BlobName | undefined;
}

type Rule<M = Message> = (message: M) => Target;

const byName: Rule = (message) => {
  const { instance, id } = parseOperationName(text(message, "name"));
  return { instance, id, blob: undefined };
};
const byInstanceName: Rule = (message) => whole(text(message, "instanceName"));
const byParent: Rule = (message) => whole(text(message, "parent"));
/** A list names its instance; the Google form `<instance>/operations` is accepted as well. */
const byCollection: Rule = (message) => whole(text(message, "name").replace(/(^|\/)operations$/, ""));
/** The operation is named with or without the instance that the request names beside it. */
const byOperationName: Rule = (message) => {
  const instance = text(message, "instanceName");
  const named = parseOperationName(text(message, "operationName"));
  if (named.instance !== "" && named.instance !== instance) {
    throw invalidField("operation_name", `must be an operation of the instance "${instance}"`);
  }
  return { instance, id: named.id, blob: undefined };
};
const byReadName: Rule = (message) => blobTarget(parseReadName(text(message, "resourceName")));
const byWriteName: Rule = (message) => blobTarget(parseWriteName(text(message, "resourceName")));

/** What stands for all instances in a request (AIP-159). */
export const ALL_INSTANCES = "-";

const aboutAll: Rule = () => whole(ALL_INSTANCES);

/** How each method of an instanced service names its instance. */
const rules: ReadonlyMap<MethodRef, Rule> = new Map<MethodRef, Rule>([
  ...rulesOf(Operations, byName),
  [Operations.method.listOperations, byCollection],
  [Execution.method.execute, byInstanceName],
  [Execution.method.waitExecution, byName],
  ...rulesOf(ActionCache, byInstanceName),
  ...rulesOf(ContentAddressableStorage, byInstanceName),
  ...rulesOf(Capabilities, byInstanceName),
  [ByteStream.method.read, byReadName],
  [ByteStream.method.write, byWriteName],
  [ByteStream.method.queryWriteStatus, byWriteName],
  ...rulesOf(FarmService, byInstanceName),
  [FarmService.method.listInstances, aboutAll],
  [FarmService.method.getOperationStats, byName],
  [FarmService.method.getOperationHistory, byName],
  [FarmService.method.killJob, byName],
  ...rulesOf(Introspection, byInstanceName),
  [Introspection.method.getOperationStats, byOperationName],
  [Introspection.method.getJobHistory, byOperationName],
  [Bots.method.createBotSession, byParent],
  [Bots.method.updateBotSession, byName],
  [Bots.method.postBotEventTemp, byName],
]);

/** The descriptor of a method, as far as this matters; methods are told apart by it, not by their names. */
export interface MethodRef {
  readonly name: string;
  readonly parent: { readonly typeName: string };
}

/** True when requests of the method name an instance. */
export function isInstanced(method: MethodRef): boolean {
  return rules.has(method);
}

const nameAll: ReadonlySet<MethodRef> = new Set<MethodRef>([
  Operations.method.listOperations,
  FarmService.method.listInstances,
  FarmService.method.watchOperations,
  FarmService.method.listWorkers,
  FarmService.method.getQueue,
  FarmService.method.getFigures,
  FarmService.method.getOperationFilters,
]);

/** True for a method whose requests may name all instances at once. */
export function mayNameAll(method: MethodRef): boolean {
  return nameAll.has(method);
}

/** What a request of an instanced method is about. INVALID_ARGUMENT when its name is malformed. */
export function targetOf(method: MethodRef, message: Message): Target {
  const rule = rules.get(method);
  if (!rule) throw new Error(`${method.parent.typeName}/${method.name} names no instance`);
  return rule(message);
}

function rulesOf(service: { methods: readonly MethodRef[] }, rule: Rule): [MethodRef, Rule][] {
  return service.methods.map((method) => [method, rule]);
}

function text(message: Message, field: string): string {
  return String((message as unknown as Record<string, unknown>)[field] ?? "");
}

function whole(instance: string): Target {
  return { instance, id: "", blob: undefined };
}

function blobTarget(blob: BlobName): Target {
  return { instance: blob.instance, id: "", blob };
}
