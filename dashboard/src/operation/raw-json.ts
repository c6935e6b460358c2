import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { messageJson } from "../../../src/base/message-json.ts";

/** A message as protobuf JSON, indented; an Any that is not known here in base64. */
export function rawJson<D extends DescMessage>(schema: D, message: MessageShape<D>): string {
  return JSON.stringify(messageJson(schema, message), undefined, 2);
}
