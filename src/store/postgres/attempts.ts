import { tooBusy } from "./store-error.ts";

/** Others have to win a race this often before a caller gives up. */
const MOST_ATTEMPTS = 50;

/** The answer of a statement that saw a job in a version which had passed when it came to change it. */
export const STALE = Symbol("stale");

/** Runs a statement until what it has seen is still true when it changes it. */
export async function untilFresh<T>(attempt: () => Promise<T | typeof STALE>): Promise<T> {
  for (let count = 0; count < MOST_ATTEMPTS; count++) {
    const answer = await attempt();
    if (answer !== STALE) return answer;
  }
  throw tooBusy();
}
