/** The door of the room: what an operation is, how it is named, found, ordered and shown. */
export { clientIdentityBytes, parseRequestMetadata, requestMetadataBytes } from "./caller.ts";
export {
  LONGEST_FILTER,
  MOST_FILTER_TERMS,
  type ParsedFilter,
  parseFilter,
  printFilter,
  resolveFilter,
} from "./filter.ts";
export { type FilterKeySpec, filterKeys } from "./filter-keys.ts";
export { matches } from "./filter-match.ts";
export type { Comparison, Filter, FilterKey, OperationQuery, SortKey, SortTerm, SortValue } from "./filter-tree.ts";
export { toLroOperation } from "./lro-view.ts";
export { formatOperationName, type OperationName, parseOperationName } from "./names.ts";
export { failedOutcome, outcomeOf } from "./outcome.ts";
export { decodePageToken, encodePageToken } from "./page-token.ts";
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
export { type SortKeySpec, sortKeys, sortValuesOf } from "./sort-keys.ts";
