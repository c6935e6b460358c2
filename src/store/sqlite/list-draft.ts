import type { SortKey } from "../../operations/operations.ts";
import type { SqlValue } from "./connection.ts";

/** A list statement in the making: its text is composed around what `bind` answers. */
export interface ListDraft {
  readonly params: readonly SqlValue[];
  /** What the rows are ordered by in the first place. */
  readonly orderedBy: SortKey;
  /** True when rows that are not in the answer must be visited, so that the cost grows with the table. */
  readonly scans: boolean;
  /** Adds a parameter and answers what stands for it in the text. Call it in the order of the text. */
  bind(value: SqlValue): string;
  noteScan(): void;
}

/** Starts a statement. */
export function createListDraft(orderedBy: SortKey): ListDraft {
  const params: SqlValue[] = [];
  let scans = false;
  return {
    params,
    orderedBy,
    get scans() {
      return scans;
    },
    bind: (value) => {
      params.push(value);
      return "?";
    },
    noteScan: () => {
      scans = true;
    },
  };
}
