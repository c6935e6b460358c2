import type { Draft } from "../order-sql.ts";
import type { SqlValue } from "./connection.ts";

/** A list statement in the making: its text is composed around what `bind` answers. */
export interface ListDraft extends Draft {
  readonly instance: string;
  readonly params: readonly SqlValue[];
  bind(value: SqlValue): string;
}

/** Starts a statement. */
export function createListDraft(instance: string): ListDraft {
  const params: SqlValue[] = [];
  return {
    instance,
    params,
    bind: (value) => {
      params.push(value);
      return "?";
    },
  };
}
