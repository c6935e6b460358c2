import { create, type DescMessage } from "@bufbuild/protobuf";
import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";

/** The type URL by which an Any names a message type. */
export function typeUrlOf(desc: DescMessage): string {
  return `type.googleapis.com/${desc.typeName}`;
}

/** An Any around a message that is encoded already: the bytes are passed on as they are. */
export function packAny(desc: DescMessage, encoded: Uint8Array): Any {
  return create(AnySchema, { typeUrl: typeUrlOf(desc), value: encoded });
}
