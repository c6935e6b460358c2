/** The door of the room: what an operation is, how it is named, found, ordered and shown. */
export {
  clientIdentityBytes,
  clientIdentityOf,
  parseRequestMetadata,
  requestMetadataBytes,
  requestMetadataOf,
} from "./caller.ts";
export { filterAt, isRelative, resolveFilter } from "./filter.ts";
export { type FilterKeySpec, filterKeys, isFilterKey, type ScalarKeySpec, scalarKeys } from "./filter-keys.ts";
export { compareText, matches } from "./filter-match.ts";
export { DEEPEST_FILTER, LONGEST_FILTER, MOST_FILTER_TERMS, type ParsedFilter, parseFilter } from "./filter-parser.ts";
export { mayHaveMatched } from "./filter-past.ts";
export { printFilter } from "./filter-print.ts";
export type {
  Comparison,
  Condition,
  Filter,
  FilterKey,
  FilterValue,
  OperationQuery,
  ScalarKey,
  SortKey,
  SortTerm,
  SortValue,
  TextTest,
  WrittenFilter,
} from "./filter-tree.ts";
export type { ValueType, ValueTypeName } from "./filter-values.ts";
export { toLroOperation } from "./lro-view.ts";
export { formatOperationName, type OperationName, parseOperationName } from "./names.ts";
export { operationSize } from "./operation-size.ts";
export { failedOutcome, outcomeOf } from "./outcome.ts";
export { METADATA_TYPE_URL } from "./pack-any.ts";
export { decodePageToken, encodePageToken, type PageStart } from "./page-token.ts";
export { buildQuery, DEFAULT_FILTER, type ListQuery, type ListRequest, type Page, pageSize } from "./paging.ts";
export { toReapiOperation } from "./reapi-view.ts";
export {
  type ClientIdentity,
  isDone,
  type JobOutcome,
  type JobRecord,
  type OperationRecord,
  type PlatformProperty,
  type RequestMetadata,
  Stage,
} from "./record.ts";
export { sortKeys, sortValuesOf } from "./sort-keys.ts";
export { toSummary } from "./summary-view.ts";
export type { FilteredQuery } from "./token.ts";
export { decodeWatchToken, encodeWatchToken, type WatchPlace } from "./watch-token.ts";
