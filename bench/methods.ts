import { type DescMessage, type DescMethod, fromBinary, type MessageShape } from "@bufbuild/protobuf";

/** The path of a method on the wire. */
export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** Reads the answer of a unary call. */
export function readOne<D extends DescMessage>(schema: D, messages: readonly Uint8Array[]): MessageShape<D> {
  const [message] = messages;
  if (message && messages.length === 1) return fromBinary(schema, message);
  throw new Error(`one ${schema.typeName} was expected, ${messages.length} messages came`);
}
