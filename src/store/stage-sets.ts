import type { Comparison, Filter } from "../operations/operations.ts";
import { COMPLETED, EXECUTING, QUEUED } from "./stages.ts";

const tests: Readonly<Record<Comparison, (stage: number, value: number) => boolean>> = {
  "=": (stage, value) => stage === value,
  "!=": (stage, value) => stage !== value,
  "<": (stage, value) => stage < value,
  "<=": (stage, value) => stage <= value,
  ">": (stage, value) => stage > value,
  ">=": (stage, value) => stage >= value,
};

/** The stages that rows may have. */
const STORED: readonly number[] = [QUEUED, EXECUTING, COMPLETED];

/** The stages that pass a filter on nothing but the stage, however it is said; undefined for any other filter. */
export function stagesOf(filter: Filter): readonly number[] | undefined {
  switch (filter.kind) {
    case "compare": {
      const { key, op, value } = filter;
      const actual = key === "stage" ? (stage: number) => stage : (stage: number) => Number(stage === COMPLETED);
      if (key !== "stage" && key !== "done") return undefined;
      return STORED.filter((stage) => tests[op](actual(stage), Number(value)));
    }
    case "not": {
      const stages = stagesOf(filter.term);
      return stages && STORED.filter((stage) => !stages.includes(stage));
    }
    case "and":
    case "or": {
      const sets = filter.terms.map(stagesOf);
      if (sets.length === 0 || !sets.every((set) => set !== undefined)) return undefined;
      const passes = (stage: number) => (set: readonly number[]) => set.includes(stage);
      return STORED.filter((stage) => (filter.kind === "and" ? sets.every(passes(stage)) : sets.some(passes(stage))));
    }
    default:
      return undefined;
  }
}

/** A filter, taken apart. */
export interface FilterParts {
  /** All must hold. */
  readonly terms: readonly Filter[];
  /** Those that are about the stage only, and the stages that pass all of them. */
  readonly stageTerms: readonly Filter[];
  readonly stages: readonly number[];
}

/** Takes a filter apart. */
export function filterParts(filter: Filter): FilterParts {
  const terms = filter.kind === "and" ? filter.terms : [filter];
  const stageTerms = terms.filter((term) => stagesOf(term) !== undefined);
  const stages = stagesOf({ kind: "and", terms: stageTerms }) ?? STORED;
  return { terms, stageTerms, stages };
}
