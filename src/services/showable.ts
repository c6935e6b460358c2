import { type DescMessage, type MessageShape, toJson } from "@bufbuild/protobuf";
import { invalidField } from "../base/errors.ts";
import { knownTypes, publicTypes } from "./catalog.ts";

/**
 * Checks a message that is kept, and shown to clients of any protocol later: INVALID_ARGUMENT on `field` when it has no
 * JSON form, for instance a time in the year 20000 or an Any whose bytes are not the message that it says. What came as
 * JSON may have no Any of an unknown type either, because its content could not be read.
 */
export function checkShowable<D extends DescMessage>(
  schema: D,
  message: MessageShape<D>,
  field: string,
  headers: Headers,
): void {
  try {
    toJson(schema, message, { registry: isJson(headers) ? knownTypes : publicTypes });
  } catch (error) {
    throw invalidField(field, error instanceof Error ? error.message : "has no JSON form");
  }
}

function isJson(headers: Headers): boolean {
  return headers.get("content-type")?.includes("json") ?? false;
}
