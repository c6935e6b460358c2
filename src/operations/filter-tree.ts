/** The comparison operators of the filter language; `:` (has) becomes one of them, a pattern or a presence test. */
export type Comparison = "=" | "!=" | "<" | "<=" | ">" | ">=";

/** The keys whose value is one text, number or time. Each maps to one column or expression of each store. */
export type ScalarKey =
  | "name"
  | "stage"
  | "done"
  | "cancelled"
  | "error.code"
  | "exit_code"
  | "cached"
  | "command"
  | "action_digest"
  | "priority"
  | "attempts"
  | "worker"
  | "queued_time"
  | "start_time"
  | "completed_time"
  | "update_time"
  | "queue_duration"
  | "duration"
  | "tool_name"
  | "tool_version"
  | "invocation_id"
  | "correlated_invocations_id"
  | "action_mnemonic"
  | "target_id"
  | "configuration_id"
  | "client_actor"
  | "client_subject"
  | "client_workflow"
  | "metadata.@type";

/** The keys that a filter may use. */
export type FilterKey = ScalarKey | "platform";

/** The keys that `sort_order` accepts. */
export type SortKey = Exclude<ScalarKey, "metadata.@type">;

/** A typed value: booleans are 0 and 1, times milliseconds since the epoch, durations milliseconds. */
export type FilterValue = string | number;

/** A test of one text: compared, or matched against pieces between which anything may stand. */
export type TextTest =
  | { readonly kind: "compare"; readonly op: Comparison; readonly value: string }
  | { readonly kind: "like"; readonly op: "=" | "!="; readonly pieces: readonly string[] };

/**
 * A leaf of a filter: true or false for every operation, never unknown. What compares an absent value is false whatever
 * the operator.
 */
export type Condition =
  | { readonly kind: "compare"; readonly key: ScalarKey; readonly op: Comparison; readonly value: FilterValue }
  /** The text begins with the first piece, ends with the last and has the others in order between; at least two pieces. */
  | { readonly kind: "like"; readonly key: ScalarKey; readonly op: "=" | "!="; readonly pieces: readonly string[] }
  /** There is a value; of a text one that is not empty, of the platform any property. */
  | { readonly kind: "has"; readonly key: FilterKey }
  /** The job requires a property of this name whose value passes the test. */
  | { readonly kind: "property"; readonly name: string; readonly test: TextTest };

/** A time that is said relative to that of the request. */
export interface RelativeCondition {
  readonly kind: "relative";
  readonly key: ScalarKey;
  readonly op: Comparison;
  readonly offsetMs: number;
}

/** Leaves, joined. Neither `and` nor `or` has a child of its own kind; an empty `and` is true. */
export type FilterTree<Leaf> =
  | Leaf
  | { readonly kind: "and"; readonly terms: readonly FilterTree<Leaf>[] }
  | { readonly kind: "or"; readonly terms: readonly FilterTree<Leaf>[] }
  | { readonly kind: "not"; readonly term: FilterTree<Leaf> };

/** A filter that can be evaluated: what the stores compile to SQL. */
export type Filter = FilterTree<Condition>;

/** A filter as it was written, with `now` still standing for the time of the request. */
export type WrittenFilter = FilterTree<Condition | RelativeCondition>;

/** One criterion of an order. */
export interface SortTerm {
  readonly key: SortKey;
  readonly descending: boolean;
}

/** The value of one sort key in one row: null where the row has none. Nulls sort before all values when ascending. */
export type SortValue = FilterValue | null;

/** What a store needs to produce one page. `order` always ends with `name`, so that it is total. */
export interface OperationQuery {
  readonly instance: string;
  readonly filter: Filter;
  readonly order: readonly SortTerm[];
  /** Sort values of the last row of the page before, one for each term of `order`; rows strictly after it are wanted. */
  readonly after: readonly SortValue[] | undefined;
  readonly limit: number;
}
