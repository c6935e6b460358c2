import { failureOf } from "./failure.ts";

/** What would be refused again is asked for this seldom. */
const REFUSED_MS = 30_000;

interface Answered {
  readonly state: { readonly error: unknown };
}

/** A `refetchInterval`: every so many milliseconds, seldom while the server refuses. None while the page is hidden. */
export function every(ms: number): (query: Answered) => number {
  return ({ state: { error } }) => (error !== null && !failureOf(error).passing ? REFUSED_MS : ms);
}
