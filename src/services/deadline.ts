import type { HandlerContext } from "@connectrpc/connect";

/** How long a call that waits may be held open, and what ends the wait early. */
export interface WaitLimits {
  readonly longestMs: number;
  /** Fires when the server begins to shut down: who waits is answered at once. */
  readonly draining: AbortSignal;
}

/** Time that is left over for the answer to reach the client before its deadline. */
const ANSWER_MARGIN_MS = 200;

/** The wait that fits into a call: it ends before the client's deadline, when the client goes, or when the server drains. */
export function untilDeadline(context: HandlerContext, limits: WaitLimits): { signal: AbortSignal; timeoutMs: number } {
  const left = context.timeoutMs() ?? Number.POSITIVE_INFINITY;
  return {
    signal: AbortSignal.any([context.signal, limits.draining]),
    timeoutMs: Math.max(0, Math.min(left - ANSWER_MARGIN_MS, limits.longestMs)),
  };
}
