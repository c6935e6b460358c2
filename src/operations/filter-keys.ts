import type { Comparison, FilterKey } from "./filter-tree.ts";
import { LONGEST_OPERATION_NAME } from "./names.ts";
import { type OperationRecord, Stage } from "./record.ts";

/** Everything that the filter language knows of one key. */
export interface FilterKeySpec {
  /** One line for people. */
  readonly description: string;
  readonly operators: readonly Comparison[];
  /** What a value is, as it reads after "a value of stage is". */
  readonly expects: string;
  /** All values where there are few; for suggestions. */
  readonly values: readonly string[];
  /** The typed value of a word of the filter, or undefined when it is none. */
  parse(word: string): string | number | undefined;
  /** The word that `parse` turns into `value`. */
  print(value: string | number): string;
  /** What the filter's value is compared with. */
  read(record: OperationRecord): string | number;
}

const ALL_COMPARISONS: readonly Comparison[] = ["=", "!=", "<", "<=", ">", ">="];

const stages: ReadonlyMap<string, number> = new Map(Object.entries(Stage));
const stageNames = [...stages.keys()];

/** The table that drives the parser; a new key is a new entry here and one column in each store. */
export const filterKeys: Readonly<Record<FilterKey, FilterKeySpec>> = {
  stage: {
    description: "How far the operation is; stages are ordered, so that `stage >= QUEUED` works",
    operators: ALL_COMPARISONS,
    expects: `one of ${stageNames.join(", ")}`,
    values: stageNames,
    parse: (word) => stages.get(word.toUpperCase()),
    print: (value) => stageNames.find((name) => stages.get(name) === value) ?? String(value),
    read: (record) => record.stage,
  },
  name: {
    description: "The operation's id, without the instance; compared as text, and ids sort by creation",
    operators: ALL_COMPARISONS,
    expects: `an operation id without the instance, at most ${LONGEST_OPERATION_NAME} characters`,
    values: [],
    parse: (word) => (word.includes("/") || word.length > LONGEST_OPERATION_NAME ? undefined : word),
    print: (value) => String(value),
    read: (record) => record.id,
  },
};

/** True for the name of a key that can be compared. */
export function isFilterKey(word: string): word is FilterKey {
  return Object.hasOwn(filterKeys, word);
}
