import { matches } from "./filter-match.ts";
import type { Condition, Filter, FilterKey } from "./filter-tree.ts";
import { type OperationRecord, Stage } from "./record.ts";

/** What may have had any other value while the operation had not ended. */
const UNSETTLED: ReadonlySet<FilterKey> = new Set<FilterKey>([
  "priority",
  "attempts",
  "worker",
  "start_time",
  "update_time",
  "queue_duration",
]);

/**
 * Whether an operation may have passed a filter in an earlier state, by what is known of its present one alone. An ended
 * operation never changes again, so all earlier states are of one that had not ended: its stage was QUEUED or EXECUTING, it
 * had none of what an end brings, and much of it never changes. Of two states of an operation of which the earlier one
 * matches, the later one always says true; it may also say so where no state ever matched.
 */
export function mayHaveMatched(filter: Filter, record: OperationRecord): boolean {
  // Born with the answer of the action cache: there was no earlier state.
  if (record.job.attempts === 0 && record.job.outcome?.cached) return false;
  const states = [Stage.QUEUED, Stage.EXECUTING].map((stage) => earlier(record, stage));
  return possible(filter, states, true);
}

function earlier(record: OperationRecord, stage: Stage): OperationRecord {
  const job = { ...record.job, stage, completedAt: undefined, outcome: undefined };
  return { ...record, stage, cancelled: false, completedAt: undefined, job };
}

/** Whether the filter may have been true, or false as `wanted` says. */
function possible(filter: Filter, states: readonly OperationRecord[], wanted: boolean): boolean {
  switch (filter.kind) {
    case "and":
    case "or": {
      const all = (filter.kind === "and") === wanted;
      const passes = (term: Filter) => possible(term, states, wanted);
      return all ? filter.terms.every(passes) : filter.terms.some(passes);
    }
    case "not":
      return possible(filter.term, states, !wanted);
    default:
      return UNSETTLED.has(keyOf(filter)) || states.some((state) => matches(filter, state) === wanted);
  }
}

function keyOf(condition: Condition): FilterKey {
  return condition.kind === "property" ? "platform" : condition.key;
}
