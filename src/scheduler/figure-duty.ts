import type { Clock } from "../base/clock.ts";
import type { FigureRecord, Store } from "../store/store.ts";
import { encodeCounts, SLOTS, Slot } from "./figure-counts.ts";
import { LONGEST_WINDOW_MS, NOTED } from "./figure-report.ts";
import { pause } from "./pause.ts";
import type { Duty, Turn } from "./rounds.ts";
import { MINUTE_MS } from "./tally.ts";

/** How old what waits and runs is at the end of a minute, at most. */
const EVERY_MS = 20_000;

/** A step of the longest window may begin before it. */
const KEPT_MINUTES = LONGEST_WINDOW_MS / MINUTE_MS + 60;

/** One call of the store writes or forgets at most this many records. */
const PUT_BATCH = 500;
const PRUNE_BATCH = 1000;

/** Between two such calls others write. */
const PAUSE_MS = 100;

/** Notes what waits and runs, and forgets figures that are older than a day. */
export function figureDuty(deps: { store: Store; clock: Clock; instances: readonly string[] }): Duty {
  const { store, clock, instances } = deps;

  async function liveWork(): Promise<FigureRecord[]> {
    const minute = Math.floor(clock.now() / MINUTE_MS);
    const live = new Map(instances.map((instance) => [instance, new Float64Array(SLOTS)]));
    for (const { instance, queued, executing } of await store.platformQueues(instances)) {
      const counts = live.get(instance);
      if (!counts) continue;
      counts[Slot.QUEUED] = (counts[Slot.QUEUED] ?? 0) + queued;
      counts[Slot.EXECUTING] = (counts[Slot.EXECUTING] ?? 0) + executing;
    }
    return [...live].map(([instance, counts]) => ({ instance, minute, part: NOTED, counts: encodeCounts(counts) }));
  }

  async function forgetOld(turn: Turn): Promise<void> {
    const before = Math.floor(clock.now() / MINUTE_MS) - KEPT_MINUTES;
    while (turn.isMine() && (await store.pruneFigures(before, PRUNE_BATCH)) === PRUNE_BATCH) {
      await pause(clock, PAUSE_MS, turn.signal);
    }
  }

  return {
    failure: "cannot note what waits and runs",
    everyMs: EVERY_MS,
    run: async (turn) => {
      const noted = await liveWork();
      for (let i = 0; i < noted.length; i += PUT_BATCH) await store.putFigures(noted.slice(i, i + PUT_BATCH));
      await forgetOld(turn);
    },
  };
}
