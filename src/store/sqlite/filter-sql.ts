import type { Comparison, Filter, FilterKey } from "../../operations/operations.ts";
import type { ListDraft } from "./list-draft.ts";
import { COMPLETED, STAGES } from "./stages.ts";

type Compare = (op: Comparison, value: string | number, draft: ListDraft) => string;

/** One entry for each key of the language. */
const comparisons: Readonly<Record<FilterKey, Compare>> = {
  stage: compareStage,
  name: (op, value, draft) => {
    if (op !== "=") draft.noteScan();
    return compareColumn("o.id", op, value, draft);
  },
};

/** The condition on an operation `o` and its job `j` that a filter stands for. */
export function filterSql(filter: Filter, draft: ListDraft): string {
  switch (filter.kind) {
    case "and":
      return filter.terms.length === 0 ? "1" : filter.terms.map((term) => `(${filterSql(term, draft)})`).join(" AND ");
    case "compare":
      return comparisons[filter.key](filter.op, filter.value, draft);
  }
}

function compareColumn(column: string, op: Comparison, value: string | number, draft: ListDraft): string {
  return `${column} ${op === "!=" ? "<>" : op} ${draft.bind(value)}`;
}

const tests: Readonly<Record<Comparison, (stage: number, value: number) => boolean>> = {
  "=": (stage, value) => stage === value,
  "!=": (stage, value) => stage !== value,
  "<": (stage, value) => stage < value,
  "<=": (stage, value) => stage <= value,
  ">": (stage, value) => stage > value,
  ">=": (stage, value) => stage >= value,
};

/** Stages are few: a comparison is the set of stages that pass it, and for the sets that matter there is an index. */
function compareStage(op: Comparison, value: string | number, draft: ListDraft): string {
  const passing = STAGES.filter((stage) => tests[op](stage, Number(value)));
  if (passing.length === STAGES.length) return "1";
  if (passing.length === 0) return "0";
  if (draft.orderedBy === "queued_time") {
    if (passing.length === 1) return `o.stage = ${passing[0]}`;
    if (!passing.includes(COMPLETED) && passing.length === STAGES.length - 1) return "o.completed_at IS NULL";
  }
  if (draft.orderedBy === "completed_time" && passing.length === 1 && passing[0] === COMPLETED) {
    return "o.completed_at IS NOT NULL";
  }
  draft.noteScan();
  // The plus keeps SQLite from an index on the stage, after which it would have to sort all that it found.
  return `+o.stage IN (${passing.join(", ")})`;
}
