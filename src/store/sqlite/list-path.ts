import type { Filter, OperationQuery, ScalarKey, SortKey } from "../../operations/operations.ts";
import type { FilterParts } from "../stage-sets.ts";
import { COMPLETED, EXECUTING } from "../stages.ts";
import { comparisonSql } from "./filter-sql.ts";
import type { ListDraft } from "./list-draft.ts";

/** A condition that an index answers. */
export type Seek = (draft: ListDraft) => string;

/** A way to the rows of a list by one index. */
export interface ListPath {
  /** Names the index, so that a plan never depends on what SQLite guesses. Has operations `o` and their jobs `j`. */
  readonly from: string;
  /** The table whose instance the index begins with. */
  readonly table: "o" | "j";
  readonly seeks: readonly Seek[];
  /** The terms of the filter that the seeks stand for. */
  readonly answered: readonly Filter[];
  /** What the index goes on with after the seeks: ranges of it can be sought, and rows come in its order. */
  readonly next: { readonly key: SortKey; readonly sql: string } | undefined;
}

/** A leaf that compares. */
export type Comparison = Extract<Filter, { kind: "compare" }>;

/** True for no row; a constant would keep SQLite from planning. */
const NOTHING = "o.stage < 0";

const PRIMARY_KEY = "sqlite_autoindex_operations_1";

const operationsBy = (index: string) => `operations o INDEXED BY ${index} LEFT JOIN jobs j ON j.id = o.job_id`;
const jobsBy = (index: string) =>
  `jobs j INDEXED BY ${index} CROSS JOIN operations o INDEXED BY operations_job ON o.job_id = j.id`;

const byQueuedTime = { key: "queued_time", sql: "o.queued_at" } as const;

interface Lookup extends Pick<ListPath, "from" | "table" | "next"> {
  readonly key: ScalarKey;
  readonly column: string;
}

function operationLookup(key: ScalarKey, index: string, column: string): Lookup {
  return { key, column, from: operationsBy(index), table: "o", next: byQueuedTime };
}

function jobLookup(key: ScalarKey, index: string, column: string): Lookup {
  // The operation's queue time is its job's.
  return { key, column, from: jobsBy(index), table: "j", next: { key: "queued_time", sql: "j.queued_at" } };
}

/** The keys by whose value operations can be looked up, the one that finds the fewest first. */
const lookups: readonly Lookup[] = [
  { ...operationLookup("name", PRIMARY_KEY, "o.id"), next: undefined },
  jobLookup("action_digest", "jobs_action", "j.action_digest"),
  operationLookup("invocation_id", "operations_invocation", "o.invocation_id"),
  operationLookup("target_id", "operations_target", "o.target_id"),
  operationLookup("correlated_invocations_id", "operations_correlated", "o.correlated_invocations_id"),
];
const workerLookup = jobLookup("worker", "jobs_worker", "j.worker");

/** True for a comparison of a key. */
export function isComparison(term: Filter, key: ScalarKey): term is Comparison {
  return term.kind === "compare" && term.key === key;
}

/** The path that visits the fewest rows. */
export function choosePath(query: OperationQuery, parts: FilterParts): ListPath {
  const running = parts.stages.length === 1 && parts.stages[0] === EXECUTING;
  return (
    find(lookups, parts) ??
    (running ? undefined : find([workerLookup], parts)) ??
    recentlyCompleted(query, parts) ??
    byStage(query, parts)
  );
}

function find(candidates: readonly Lookup[], { terms }: FilterParts): ListPath | undefined {
  for (const { key, column, from, table, next } of candidates) {
    const term = terms.find((each) => isComparison(each, key) && each.op === "=") as Comparison | undefined;
    if (!term) continue;
    const seek: Seek = (draft) => comparisonSql(column, "=", term.value, draft);
    return { from, table, next, seeks: [seek], answered: [term] };
  }
  return undefined;
}

/** What ended since some time is sought by that, whatever the order. */
function recentlyCompleted({ order }: OperationQuery, parts: FilterParts): ListPath | undefined {
  if (order[0]?.key === "completed_time") return undefined;
  const since = (term: Filter) => isComparison(term, "completed_time") && ["=", ">", ">="].includes(term.op);
  return parts.terms.some(since) ? completedPath(parts) : undefined;
}

/** What has ended, in the order in which it did. */
export function completedPath({ stages, stageTerms }: FilterParts): ListPath {
  return {
    from: operationsBy("operations_completed"),
    table: "o",
    seeks: stages.includes(COMPLETED) ? [] : [() => NOTHING],
    answered: stageTerms,
    next: { key: "completed_time", sql: "o.completed_at" },
  };
}

/** What has not ended, in the order of the queue; only some of it when the filter wants that. */
export function livePath({ stages, stageTerms }: FilterParts): ListPath {
  const live = stages.filter((stage) => stage !== COMPLETED);
  const [only] = live;
  const seek = live.length === 0 ? NOTHING : live.length === 1 ? `o.stage = ${only}` : "o.completed_at IS NULL";
  const index = live.length === 1 ? "operations_stage" : "operations_completed";
  return { from: operationsBy(index), table: "o", seeks: [() => seek], answered: stageTerms, next: byQueuedTime };
}

function byStage({ order }: OperationQuery, parts: FilterParts): ListPath {
  const { stages, stageTerms } = parts;
  if (!stages.includes(COMPLETED)) return livePath(parts);
  const whole = { table: "o", seeks: [], answered: stages.length === 3 ? stageTerms : [] } as const;
  if (order[0]?.key === "name") {
    return { ...whole, from: operationsBy(PRIMARY_KEY), next: { key: "name", sql: "o.id" } };
  }
  if (stages.length > 1) return { ...whole, from: operationsBy("operations_queued"), next: byQueuedTime };
  const seeks = [() => `o.stage = ${COMPLETED}`];
  return { from: operationsBy("operations_stage"), table: "o", seeks, answered: stageTerms, next: byQueuedTime };
}
