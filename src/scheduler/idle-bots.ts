import type { PlatformProperty } from "../operations/operations.ts";
import { fits, type Offer, offerKey } from "./platforms.ts";

/** A bot that waits for work. */
export interface IdleBot {
  /** Resolves when there may be work for it, at the latest when the signal fires. */
  woken(signal: AbortSignal): Promise<void>;
  /**
   * Ends the wait. `willLook` says that the bot looks for work after this; if it does not, news that it got goes on to
   * another bot, so that a bot which went away never swallows a job.
   */
  leave(willLook: boolean): void;
}

/** The bots that wait for work here. One new job wakes one bot that fits, the one that has waited longest. */
export interface IdleBots {
  /** Must be called before looking for work: a job that comes between the look and the wait then still wakes the bot. */
  enter(offer: Offer): IdleBot;
  /** There is one more queued job with these requirements. */
  jobQueued(instance: string, requirements: readonly PlatformProperty[]): void;
  readonly size: number;
}

interface Waiter {
  news: { instance: string; requirements: readonly PlatformProperty[] } | undefined;
  wake: (() => void) | undefined;
}

interface Kind {
  readonly offer: Offer;
  readonly waiters: Set<Waiter>;
}

/** Makes an empty waiting room. Bots of one kind (same offer) stand in one queue, so matching costs per kind, not per bot. */
export function createIdleBots(): IdleBots {
  const kinds = new Map<string, Kind>();

  function jobQueued(instance: string, requirements: readonly PlatformProperty[]) {
    for (const kind of kinds.values()) {
      if (!fits(kind.offer, instance, requirements)) continue;
      for (const waiter of kind.waiters) {
        if (waiter.news) continue;
        waiter.news = { instance, requirements };
        kind.waiters.delete(waiter);
        waiter.wake?.();
        return;
      }
    }
  }

  function enter(offer: Offer): IdleBot {
    const key = offerKey(offer);
    const home: Kind = kinds.get(key) ?? { offer, waiters: new Set() };
    kinds.set(key, home);
    const waiter: Waiter = { news: undefined, wake: undefined };
    home.waiters.add(waiter);
    return {
      woken: (signal) => untilWoken(waiter, signal),
      leave: (willLook) => {
        home.waiters.delete(waiter);
        if (home.waiters.size === 0 && kinds.get(key) === home) kinds.delete(key);
        if (waiter.news && !willLook) jobQueued(waiter.news.instance, waiter.news.requirements);
      },
    };
  }

  return {
    enter,
    jobQueued,
    get size() {
      return [...kinds.values()].reduce((sum, kind) => sum + kind.waiters.size, 0);
    },
  };
}

function untilWoken(waiter: Waiter, signal: AbortSignal): Promise<void> {
  if (waiter.news || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = () => {
      signal.removeEventListener("abort", wake);
      waiter.wake = undefined;
      resolve();
    };
    signal.addEventListener("abort", wake);
    waiter.wake = wake;
  });
}
