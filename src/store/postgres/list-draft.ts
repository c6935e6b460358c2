import type { Draft } from "../order-sql.ts";
import type { Param } from "./statement.ts";

/** A list statement in the making: its text is composed around what `bind` answers. */
export interface ListDraft extends Draft {
  /** What stands for the instance of the list. */
  readonly instance: string;
  readonly params: readonly Param[];
  bind(value: string | number | Uint8Array | null): string;
}

/** Starts a statement. */
export function createListDraft(instance: string): ListDraft {
  const params: Param[] = [instance];
  return {
    instance: "$1",
    params,
    bind: (value) => {
      params.push(value);
      return `$${params.length}::${typeOf(value)}`;
    },
  };
}

/** The type by which any value can be compared with a column: a number may be larger than those, or a fraction. */
function typeOf(value: string | number | Uint8Array | null): string {
  if (typeof value === "number") return Number.isSafeInteger(value) ? "bigint" : "float8";
  return value instanceof Uint8Array ? "bytea" : "text";
}
