import { create, type DescMessage } from "@bufbuild/protobuf";
import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";

/** An Any around a message that is encoded already: the bytes are passed on as they are. */
export function packAny(desc: DescMessage, encoded: Uint8Array): Any {
  return create(AnySchema, { typeUrl: `type.googleapis.com/${desc.typeName}`, value: encoded });
}
