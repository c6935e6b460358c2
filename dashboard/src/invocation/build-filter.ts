import type { BuildKind } from "../location/paths.ts";
import { filterValue } from "../operations/filter-text.ts";
import { CANCELLED, FAILED } from "../operations/standing-condition.ts";
import type { Look } from "../ui/standing.ts";

const KEYS: Record<BuildKind, string> = {
  invocation: "invocation_id",
  correlated: "correlated_invocations_id",
};

/** Each look in the filter language, as `lookOf` decides. */
const LOOKS: Record<Look, string> = {
  queued: "stage < EXECUTING",
  executing: "stage = EXECUTING",
  succeeded: "done AND NOT cached AND NOT error.code:* AND NOT exit_code != 0",
  cached: "cached AND NOT error.code:* AND NOT exit_code != 0",
  failed: FAILED,
  cancelled: CANCELLED,
  unknown: "NOT done",
};

/** Finds the operations of a build, or those of it that have a look. */
export function buildFilter(kind: BuildKind, id: string, look?: Look): string {
  const build = `${KEYS[kind]} = ${filterValue(id)}`;
  return look === undefined ? build : `${build} AND ${LOOKS[look]}`;
}

/** Follows a build: its operations in the order in which they came. */
export function watchedBuild(kind: BuildKind, id: string): string {
  return `${buildFilter(kind, id)} AND sort_order = queued_time`;
}

/** Follows whatever is of some build, the newest first. */
export function watchedBuilds(kind: BuildKind): string {
  return `${KEYS[kind]}:* AND sort_order = queued_time(desc)`;
}
