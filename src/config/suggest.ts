import { nearest } from "../base/nearest.ts";

/** A name that holds the one given, when none is near: who writes `orphan` means `orphan_grace`. */
function holding(name: string, known: readonly string[]): string | undefined {
  return name.length >= 3 ? known.find((candidate) => candidate.includes(name)) : undefined;
}

/** `; did you mean X?` for a name that is not among the known ones, or nothing when none is like it. */
export function suggestion(name: string, known: readonly string[]): string {
  const best = nearest(name, known) ?? holding(name, known);
  return best === undefined ? "" : `; did you mean ${best}?`;
}
