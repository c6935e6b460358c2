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

/** How each method of an instanced service names its instance. */
const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...rulesOf(Operations, byName),
  [methodName(Operations.method.listOperations), byCollection],
  [methodName(Execution.method.execute), byInstanceName],
  [methodName(Execution.method.waitExecution), byName],
  ...rulesOf(ActionCache, byInstanceName),
  ...rulesOf(ContentAddressableStorage, byInstanceName),
  ...rulesOf(Capabilities, byInstanceName),
  [methodName(ByteStream.method.read), byReadName],
  [methodName(ByteStream.method.write), byWriteName],
  [methodName(ByteStream.method.queryWriteStatus), byWriteName],
  ...rulesOf(FarmService, byInstanceName),
  [methodName(FarmService.method.getOperationStats), byName],
  [methodName(FarmService.method.getOperationHistory), byName],
  [methodName(FarmService.method.killJob), byName],
  ...rulesOf(Introspection, byInstanceName),
  [methodName(Introspection.method.getOperationStats), byOperationName],
  [methodName(Introspection.method.getJobHistory), byOperationName],
  [methodName(Bots.method.createBotSession), byParent],
  [methodName(Bots.method.updateBotSession), byName],
  [methodName(Bots.method.postBotEventTemp), byName],
]);

/** A method, as far as this matters. */
export interface MethodRef {
  readonly name: string;
  readonly parent: { readonly typeName: string };
}

/** True when requests of the method name an instance. */
export function isInstanced(method: MethodRef): boolean {
  return rules.has(methodName(method));
}

const NAME_ALL = new Set([Operations.method.listOperations, FarmService.method.watchOperations].map(methodName));

/** True for a method whose requests may name all instances at once. */
export function mayNameAll(method: MethodRef): boolean {
  return NAME_ALL.has(methodName(method));
}

/** What a request of an instanced method is about. INVALID_ARGUMENT when its name is malformed. */
export function targetOf(method: MethodRef, message: Message): Target {
  const rule = rules.get(methodName(method));
  if (!rule) throw new Error(`${methodName(method)} names no instance`);
  return rule(message);
}

function methodName(method: MethodRef): string {
  return `${method.parent.typeName}/${method.name}`;
}

function rulesOf(service: { methods: readonly MethodRef[] }, rule: Rule): [string, Rule][] {
  return service.methods.map((method) => [methodName(method), rule]);
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
