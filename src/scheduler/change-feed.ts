import type { Clock } from "../base/clock.ts";
import { operationSize } from "../operations/operations.ts";
import type { ChangePage, ChangePosition, Store } from "../store/store.ts";

/** The changes of all operations, for any number of readers who each know where they are. */
export interface ChangeFeed {
  /** The position after all changes so far. */
  position(): Promise<ChangePosition>;
  /**
   * The changes after a position, at least one, as soon as there is one. "tick" after `tickMs` without any, "aborted" when
   * the signal fires, "lost" when nobody knows any more what happened since. Readers at the same position get the same
   * object, and cost the store one read.
   */
  next(
    position: ChangePosition,
    signal: AbortSignal,
    tickMs: number,
  ): Promise<ChangePage | "tick" | "aborted" | "lost">;
}

/** A page is one read of the main thread, and shared by all who keep up. */
const PAGE_SIZE = 100;

/** Who is not too far behind finds the page that the others had. */
const RECENT_PAGES = 16;

/** A longer page is only for those who read it at the same time. */
const MOST_RECENT_BYTES = 1024 * 1024;

/** Under a stream of changes readers are woken this often, and get what has come together. */
const PACE_MS = 20;

interface RecentPage {
  readonly page: Promise<ChangePage | undefined>;
  /** Which changes were there when it was read. */
  readonly version: number;
  /** An empty page is no longer true after the next change, any other stays. */
  filled: boolean;
}

/*
 * A reader that finds nothing after its position sleeps until it is woken. `version` counts what the store said: a read
 * that found nothing says so only of the version at which it began.
 */

/** Makes the feed; it listens to the store until it is disposed. */
export function createChangeFeed({ store, clock }: { store: Store; clock: Clock }): ChangeFeed & Disposable {
  const recent = new Map<ChangePosition, RecentPage>();
  const sleepers = new Set<() => void>();
  let version = 0;
  let wokenAt = Number.NEGATIVE_INFINITY;
  let pending = false;

  const stop = store.onChange(() => {
    version += 1;
    if (pending || sleepers.size === 0) return;
    pending = true;
    clock.after(Math.max(0, wokenAt + PACE_MS - clock.monotonic()), wake);
  });

  function wake(): void {
    pending = false;
    wokenAt = clock.monotonic();
    const woken = [...sleepers];
    sleepers.clear();
    for (const resume of woken) resume();
  }

  function forget(position: ChangePosition, entry: RecentPage): void {
    if (recent.get(position) === entry) recent.delete(position);
  }

  function read(position: ChangePosition): Promise<ChangePage | undefined> {
    const known = recent.get(position);
    if (known && (known.filled || known.version === version)) return known.page;
    const entry: RecentPage = { page: store.changesAfter(position, PAGE_SIZE), version, filled: false };
    entry.page.then(
      (page) => {
        entry.filled = page !== undefined && page.changes.length > 0;
        if (page && bytesOf(page) > MOST_RECENT_BYTES) forget(position, entry);
      },
      () => forget(position, entry),
    );
    recent.delete(position);
    recent.set(position, entry);
    const [oldest] = recent.keys();
    if (recent.size > RECENT_PAGES && oldest !== undefined) recent.delete(oldest);
    return entry.page;
  }

  function sleep(signal: AbortSignal, ms: number): Promise<"woken" | "tick"> {
    return new Promise((resolve) => {
      const end = (why: "woken" | "tick") => {
        timer.cancel();
        sleepers.delete(resume);
        signal.removeEventListener("abort", resume);
        resolve(why);
      };
      const resume = () => end("woken");
      const timer = clock.after(ms, () => end("tick"));
      signal.addEventListener("abort", resume);
      sleepers.add(resume);
    });
  }

  return {
    position: () => store.changePosition(),
    next: async (position, signal, tickMs) => {
      for (;;) {
        if (signal.aborted) return "aborted";
        const seen = version;
        const page = await read(position);
        if (!page) return "lost";
        if (page.changes.length > 0) return page;
        if (seen !== version || signal.aborted) continue;
        if ((await sleep(signal, tickMs)) === "tick") return "tick";
      }
    },
    [Symbol.dispose]: stop,
  };
}

function bytesOf({ changes }: ChangePage): number {
  return changes.reduce((sum, change) => sum + (change.kind === "changed" ? operationSize(change.operation) : 0), 0);
}
