import { type Filter, type SortTerm, Stage, sortValuesOf } from "../operations/operations.ts";
import type { Cause, OperationKey, Store } from "../store/store.ts";

/** Which operations to cancel, and how. */
export interface CancelMany {
  readonly instance: string;
  readonly filter: Filter;
  readonly cause: Cause;
  /** Count only. */
  readonly dryRun: boolean;
  /** Between batches the work ends when it fires; what was cancelled stays so. */
  readonly signal: AbortSignal;
}

/** What it came to. */
export interface CancelledMany {
  /** How many live operations matched. */
  readonly matched: number;
  /** How many of them were still live when their turn came. */
  readonly cancelled: number;
}

/** Operations of one batch: what one list reads, and one transaction at most cancels. */
const BATCH = 500;

const ORDER: readonly SortTerm[] = [
  { key: "queued_time", descending: false },
  { key: "name", descending: false },
];

/** Cancels live operations batch by batch; `cancel` answers whether it changed something. */
export async function cancelMany(
  deps: { store: Store; cancel: (key: OperationKey, cause: Cause) => Promise<boolean> },
  { instance, filter, cause, dryRun, signal }: CancelMany,
): Promise<CancelledMany> {
  const live = onlyLive(filter);
  let [matched, cancelled] = [0, 0];
  let last: ReturnType<typeof sortValuesOf> | undefined;
  for (;;) {
    signal.throwIfAborted();
    const batch = await deps.store.listOperations({ instance, filter: live, order: ORDER, after: last, limit: BATCH });
    matched += batch.length;
    if (!dryRun) {
      const results = await Promise.all(batch.map(({ id }) => deps.cancel({ instance, id }, cause)));
      cancelled += results.filter(Boolean).length;
    }
    const end = batch.at(-1);
    if (!end || batch.length < BATCH) return { matched, cancelled };
    last = sortValuesOf(end, ORDER);
  }
}

function onlyLive(filter: Filter): Filter {
  const terms = filter.kind === "and" ? filter.terms : [filter];
  return { kind: "and", terms: [{ kind: "compare", key: "stage", op: "!=", value: Stage.COMPLETED }, ...terms] };
}
