/** The door of the room: what an operation is, how it is named, found, ordered and shown. */
export type { Comparison, Filter, FilterKey, OperationQuery, SortKey, SortTerm, SortValue } from "./filter-tree.ts";
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
