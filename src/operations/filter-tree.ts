/** The comparison operators of the filter language. */
export type Comparison = "=" | "!=" | "<" | "<=" | ">" | ">=";

/** The keys that a filter may compare. Each maps to one column of each store. */
export type FilterKey = "stage" | "name";

/** The keys that `sort_order` accepts. */
export type SortKey =
  | "name"
  | "stage"
  | "queued_time"
  | "start_time"
  | "completed_time"
  | "action_digest"
  | "command"
  | "priority";

/** A parsed filter: what the stores compile to SQL. Values are typed already. */
export type Filter =
  | { readonly kind: "and"; readonly terms: readonly Filter[] }
  | { readonly kind: "compare"; readonly key: FilterKey; readonly op: Comparison; readonly value: string | number };

/** One criterion of an order. */
export interface SortTerm {
  readonly key: SortKey;
  readonly descending: boolean;
}

/** The value of one sort key in one row: null where the row has none. Nulls sort before all values when ascending. */
export type SortValue = string | number | null;

/** What a store needs to produce one page. `order` always ends with `name`, so that it is total. */
export interface OperationQuery {
  readonly instance: string;
  readonly filter: Filter;
  readonly order: readonly SortTerm[];
  /** Sort values of the last row of the page before, one for each term of `order`; rows strictly after it are wanted. */
  readonly after: readonly SortValue[] | undefined;
  readonly limit: number;
}
