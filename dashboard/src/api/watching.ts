import { Code } from "@connectrpc/connect";

/** A hidden page gives its connection back after this time: browsers have six for a server, all tabs together. */
export const HIDDEN_AFTER_MS = 5000;

/** A watch that is silent for so long is dead: the server says every 30 s that nothing has happened. */
export const LONGEST_SILENCE_MS = 90_000;

/** With these the server would refuse the same watch again. */
export const HOPELESS: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.PermissionDenied,
  Code.Unauthenticated,
  Code.Unimplemented,
  Code.NotFound,
]);

const FIRST_RETRY_MS = 500;

/**
 * How long to wait after so many failures before: twice as long each time, up to `mostMs`, and a quarter more or less by
 * `random`, from 0 to less than 1, as all pages lose a server at once.
 */
export function retryDelayMs(failures: number, mostMs: number, random: number): number {
  return Math.min(mostMs, FIRST_RETRY_MS * 2 ** failures) * (0.75 + random / 2);
}
