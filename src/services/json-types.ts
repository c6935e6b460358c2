import {
  clone,
  create,
  createFileRegistry,
  createRegistry,
  type DescFile,
  type DescMessage,
  fromJson,
  type MessageShape,
  type Registry,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { base64Encode } from "@bufbuild/protobuf/wire";
import {
  type Any,
  AnySchema,
  anyPack,
  anyUnpack,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  StructSchema,
} from "@bufbuild/protobuf/wkt";
import { knownTypes } from "./catalog.ts";

/**
 * How messages are shown as JSON, whatever their Anys hold. Bots put messages of their own into Anys, and a list must not
 * fail because of one: what is of an unknown type is shown as `{"@type": "<type URL>", "value": "<base64>"}`.
 */
export interface JsonTypes {
  /** Every type that an Any may hold in JSON. */
  readonly registry: Registry;
  /**
   * Makes a message ready to be encoded as JSON, and only as that, with `registry`. Answers a copy, or the message itself
   * when no Any can be in it.
   */
  prepare<D extends DescMessage>(schema: D, message: MessageShape<D>): MessageShape<D>;
}

/**
 * Makes the types of the public API, and of further files, known in JSON; of two types with one name the public API's
 * counts. An Any that says a type of the further files and does not hold it is shown as a Struct with the `@type` and
 * `value` that it would have if its type were unknown.
 */
export function createJsonTypes(furtherFiles: readonly DescFile[] = []): JsonTypes {
  const types = createRegistry(...furtherFiles, StructSchema, knownTypes);
  // A stand-in for an unknown type reads the bytes field that `hideContent` writes.
  const registry: Registry = {
    ...types,
    getMessage: (typeName) => types.getMessage(typeName) ?? { ...bytesMessage, typeName },
  };

  /** True when it changed the Any. */
  function prepareAny(any: Any): boolean {
    if (any.typeUrl === "") return false;
    const desc = types.getMessage(any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1));
    if (!desc) return hideContent(any);
    return knownTypes.getMessage(desc.typeName) === desc ? prepareContent(any, desc) : prepareUnchecked(any, desc);
  }

  /** What is of a type of the public API was read, and found to have a JSON form, before it was accepted. */
  function prepareContent(any: Any, desc: DescMessage): boolean {
    if (!mayHoldAny(desc)) return false;
    const content = anyUnpack(any, desc);
    if (!content || !prepareAnys(reflect(desc, content))) return false;
    any.value = toBinary(desc, content);
    return true;
  }

  /** What was of an unknown type when it was accepted can be anything. */
  function prepareUnchecked(any: Any, desc: DescMessage): boolean {
    const { typeUrl, value } = any;
    try {
      const changed = prepareContent(any, desc);
      toJson(AnySchema, any, { registry });
      return changed;
    } catch {
      anyPack(StructSchema, fromJson(StructSchema, { "@type": typeUrl, value: base64Encode(value) }), any);
      return true;
    }
  }

  function prepareAnys(message: ReflectMessage): boolean {
    if (message.desc.typeName === AnySchema.typeName) return prepareAny(message.message as Any);
    let changed = false;
    for (const inner of innerMessages(message)) changed = prepareAnys(inner) || changed;
    return changed;
  }

  return {
    registry,
    prepare: (schema, message) => {
      if (!mayHoldAny(schema)) return message;
      const copy = clone(schema, message);
      prepareAnys(reflect<DescMessage>(schema, copy));
      return copy;
    },
  };
}

/** `message Bytes { optional bytes value = 1; }`: as the content of an Any its JSON form is that of an unknown type. */
const bytesMessage = describeBytesMessage();

function describeBytesMessage(): DescMessage {
  const { OPTIONAL: label } = FieldDescriptorProto_Label;
  const { BYTES: type } = FieldDescriptorProto_Type;
  const field = [{ name: "value", jsonName: "value", number: 1, label, type }];
  const file = create(FileDescriptorProtoSchema, { name: "bytes.proto", messageType: [{ name: "Bytes", field }] });
  const desc = createFileRegistry(file, () => undefined).getMessage("Bytes");
  if (!desc) throw new Error("the description of a message is lost");
  return desc;
}

function hideContent(any: Any): true {
  any.value = toBinary(bytesMessage, Object.assign(create(bytesMessage), { value: any.value }));
  return true;
}

function innerMessages(message: ReflectMessage): ReflectMessage[] {
  return message.fields.flatMap((field): ReflectMessage[] => {
    if (!field.message || !mayHoldAny(field.message) || !message.isSet(field)) return [];
    if (field.fieldKind === "message") return [message.get(field)];
    if (field.fieldKind === "list") return [...message.get(field)] as ReflectMessage[];
    return field.fieldKind === "map" ? ([...message.get(field).values()] as ReflectMessage[]) : [];
  });
}

const anyHolders = new WeakMap<DescMessage, boolean>();

/** True for Any itself, and for a message with an Any at any depth. */
function mayHoldAny(desc: DescMessage): boolean {
  const remembered = anyHolders.get(desc);
  if (remembered !== undefined) return remembered;
  const reached = new Set([desc]);
  for (const { fields } of reached) {
    for (const { message } of fields) if (message) reached.add(message);
  }
  const found = [...reached].some(({ typeName }) => typeName === AnySchema.typeName);
  anyHolders.set(desc, found);
  return found;
}
