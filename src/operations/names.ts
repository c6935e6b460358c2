import { invalidField } from "../base/errors.ts";

/** The parts of an operation's name. */
export interface OperationName {
  /** "" for the nameless instance. */
  readonly instance: string;
  readonly id: string;
}

/** The longest name that is accepted, in UTF-16 code units. */
export const LONGEST_OPERATION_NAME = 512;

const BLANK_OR_CONTROL = /[\s\p{Cc}]/u;

/** The name of an operation on the wire: `<instance>/<id>`, or the bare `<id>` in the nameless instance. */
export function formatOperationName(instance: string, id: string): string {
  return instance === "" ? id : `${instance}/${id}`;
}

/**
 * Splits a name at its last slash, so that instance names may hold slashes; `<id>` and `/<id>` both belong to the
 * nameless instance. INVALID_ARGUMENT on the field `name` when there is no id, or it is too long, or has white space or
 * control characters.
 */
export function parseOperationName(name: string): OperationName {
  if (name.length > LONGEST_OPERATION_NAME) {
    throw invalidField("name", `must not be longer than ${LONGEST_OPERATION_NAME} characters`);
  }
  if (BLANK_OR_CONTROL.test(name)) {
    throw invalidField("name", "must not contain white space or control characters");
  }
  const slash = name.lastIndexOf("/");
  const id = name.slice(slash + 1);
  if (id === "") throw invalidField("name", "must be <instance>/<operation id>; the operation id is missing");
  return { instance: slash < 0 ? "" : name.slice(0, slash), id };
}
