import {
  clone,
  createRegistry,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { base64Encode } from "@bufbuild/protobuf/wire";
import {
  type Any,
  AnySchema,
  anyPack,
  anyUnpack,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
  StructSchema,
} from "@bufbuild/protobuf/wkt";
import { file_build_bazel_remote_execution_v2_remote_execution } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { file_google_longrunning_operations } from "../../gen/google/longrunning/operations_pb.ts";
import { file_google_rpc_error_details } from "../../gen/google/rpc/error_details_pb.ts";

const registry = createRegistry(
  file_build_bazel_remote_execution_v2_remote_execution,
  file_google_longrunning_operations,
  file_google_rpc_error_details,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
);

const STRUCT_URL = `type.googleapis.com/${StructSchema.typeName}`;

function submessages(message: ReflectMessage): ReflectMessage[] {
  return message.fields
    .filter((field) => message.isSet(field))
    .flatMap((field): ReflectMessage[] => {
      if (field.fieldKind === "message") return [message.get(field)];
      if (field.fieldKind === "list" && field.listKind === "message")
        return [...message.get(field)] as ReflectMessage[];
      if (field.fieldKind === "map" && field.mapKind === "message")
        return [...message.get(field).values()] as ReflectMessage[];
      return [];
    });
}

/** Makes each Any in a message one that has a JSON form. */
function sealAll(message: ReflectMessage): void {
  if (message.desc.typeName === AnySchema.typeName) seal(message.message as Any);
  else for (const sub of submessages(message)) sealAll(sub);
}

function sealKnown(any: Any): boolean {
  try {
    const inner: Message | undefined = anyUnpack(any, registry);
    const desc = inner && registry.getMessage(inner.$typeName);
    if (!inner || !desc) return false;
    sealAll(reflect(desc, inner));
    toJson(desc, inner, { registry });
    anyPack(desc, inner, any);
    return true;
  } catch {
    return false;
  }
}

/** What has no JSON form becomes a Struct with the JSON that it shall have; `unseal` takes that out again. */
function seal(any: Any): void {
  if (any.typeUrl === "" || sealKnown(any)) return;
  const shown = { "@type": any.typeUrl, value: base64Encode(any.value) };
  anyPack(StructSchema, fromJson(StructSchema, shown), any);
}

function unseal(_: string, value: JsonValue): JsonValue {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value["@type"] !== STRUCT_URL)
    return value;
  const inner = value.value;
  return typeof inner === "object" && inner !== null && "@type" in inner ? inner : value;
}

/**
 * A message as protobuf JSON. An Any of a type that is not known here, or that is damaged, is shown as its `@type` and its
 * `value` in base64, so that one odd operation never spoils a list.
 */
export function messageJson<D extends DescMessage>(schema: D, message: MessageShape<D>): JsonObject {
  const copy = clone(schema, message);
  sealAll(reflect(schema, copy));
  return JSON.parse(JSON.stringify(toJson(schema, copy, { registry })), unseal);
}
