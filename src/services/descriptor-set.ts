import { createFileRegistry, type DescFile, fromBinary } from "@bufbuild/protobuf";
import { protoCamelCase } from "@bufbuild/protobuf/reflect";
import { type DescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

/**
 * The files of an encoded google.protobuf.FileDescriptorSet, as `protoc --include_imports --descriptor_set_out` and
 * `buf build` write it. Throws with a reason when it is none, or when a file is missing that another imports.
 */
export function readDescriptorSet(bytes: Uint8Array): DescFile[] {
  const set = fromBinary(FileDescriptorSetSchema, bytes);
  if (set.file.length === 0) throw new Error("there is no file in it");
  for (const file of set.file) file.messageType.forEach(nameFields);
  return [...createFileRegistry(set).files];
}

/** Not every program that writes descriptors says the JSON names, which follow from the others unless said. */
function nameFields(message: DescriptorProto): void {
  for (const field of message.field) field.jsonName ||= protoCamelCase(field.name);
  message.nestedType.forEach(nameFields);
}
