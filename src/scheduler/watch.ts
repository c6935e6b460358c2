import type { Clock } from "../base/clock.ts";
import { isDone, type OperationRecord } from "../operations/operations.ts";
import type { OperationKey, Store } from "../store/store.ts";
import type { Topics } from "./topics.ts";

/** How to watch. */
export interface WatchOptions {
  readonly signal: AbortSignal;
  /** The state is repeated after this long without a change. */
  readonly keepAliveMs: number;
}

/**
 * The states of one operation, of which one is known: the present one at once, then each change, the last is the end. Ends
 * early, without a final state, when the signal fires or the operation is forgotten. States that come faster than they
 * are taken are skipped, never stored up.
 */
export async function* watchOperation(
  deps: { store: Store; topics: Topics },
  known: OperationRecord,
  options: WatchOptions,
): AsyncGenerator<OperationRecord, void, undefined> {
  if (isDone(known)) {
    yield known;
    return;
  }
  // The subscription has to stand before the state that is sent is read, or a change in between would be missed.
  const changes = deps.topics.subscribe(known.job.id);
  try {
    let sent: OperationRecord | undefined;
    let reason: "changed" | "tick" = "changed";
    for (;;) {
      const state = await deps.store.getOperation(known, reason === "changed" ? reason : undefined);
      if (!state) return;
      if (reason === "tick" || !sent || !sameState(sent, state)) yield state;
      sent = state;
      if (isDone(state)) return;
      const woken = await changes.next(options.signal, options.keepAliveMs);
      if (woken === "aborted") return;
      reason = woken;
    }
  } finally {
    changes.close();
  }
}

/** Waits for the end of an operation, at most until `deadline`; answers the latest state, or undefined when there is none. */
export async function waitOperation(
  deps: { store: Store; topics: Topics; clock: Clock },
  key: OperationKey,
  options: { signal: AbortSignal; timeoutMs: number },
): Promise<OperationRecord | undefined> {
  const first = await deps.store.getOperation(key);
  if (!first || isDone(first)) return first;
  const deadline = deps.clock.monotonic() + options.timeoutMs;
  const changes = deps.topics.subscribe(first.job.id);
  try {
    for (;;) {
      const state = await deps.store.getOperation(key);
      const left = deadline - deps.clock.monotonic();
      if (!state || isDone(state) || left <= 0 || options.signal.aborted) return state;
      await changes.next(options.signal, left);
    }
  } finally {
    changes.close();
  }
}

function sameState(a: OperationRecord, b: OperationRecord): boolean {
  return (
    a.stage === b.stage &&
    a.cancelled === b.cancelled &&
    a.job.attempts === b.job.attempts &&
    a.job.startedAt === b.job.startedAt &&
    sameBytes(a.job.partialMetadata, b.job.partialMetadata)
  );
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && Buffer.compare(a, b) === 0);
}
