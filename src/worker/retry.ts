import { durationMs } from "@bufbuild/protobuf/wkt";
import { RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import type { Clock } from "../base/clock.ts";
import { Code, StatusError } from "../base/errors.ts";
import { pause } from "./waiting.ts";

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;

/** What a server that restarts, a proxy or a cut connection answers; the same call may succeed later. */
const TRANSIENT: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.ResourceExhausted,
  Code.DeadlineExceeded,
  Code.Aborted,
  Code.Internal,
  Code.Unknown,
  Code.Canceled,
]);

/** True when it is worth trying the same call again. */
export function isTransient(error: unknown): boolean {
  return error instanceof StatusError && TRANSIENT.has(error.code);
}

/** The pause before attempt number `failures` + 1: doubling with jitter, at least what the server asks for. */
export function backoffMs(failures: number, error: unknown): number {
  const doubled = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures, 10));
  return Math.max(doubled * (0.5 + Math.random() / 2), askedDelayMs(error));
}

function askedDelayMs(error: unknown): number {
  const asked = error instanceof StatusError ? error.findDetails(RetryInfoSchema)[0]?.retryDelay : undefined;
  return asked ? Math.min(durationMs(asked), LONGEST_DELAY_MS * 2) : 0;
}

/** How long calls are tried again, in milliseconds from the first failure on. */
export interface RetryPolicy {
  readonly clock: Clock;
  readonly forMs: number;
}

/** Calls until it succeeds, fails for good, or the time is over; then throws the last failure. */
export async function retrying<T>(policy: RetryPolicy, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  let giveUpAt: number | undefined;
  for (let failures = 0; ; failures++) {
    signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      signal.throwIfAborted();
      giveUpAt ??= policy.clock.now() + policy.forMs;
      const delay = backoffMs(failures, error);
      if (!isTransient(error) || policy.clock.now() + delay > giveUpAt) throw error;
      await pause(policy.clock, delay, signal);
    }
  }
}
