import type { SqlValue } from "./connection.ts";

/** A list statement in the making: its text is composed around what `bind` answers. */
export interface ListDraft {
  readonly instance: string;
  readonly params: readonly SqlValue[];
  /** Adds a parameter and answers what stands for it in the text. Call it in the order of the text. */
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
