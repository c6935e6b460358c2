import type { Clock, Timer } from "../base/clock.ts";
import type { OperationKey } from "../store/store.ts";

/**
 * Who follows which operation, and what happens when nobody does.
 *
 * Each live operation is in one of three states here:
 * - followed: at least one stream listens. No timer.
 * - abandoned: no stream listens, nobody polls. After the grace time it is cancelled.
 * - polled: no stream listens, but somebody asked for it. The (longer, by default infinite) grace of polled operations
 *   starts anew with each poll.
 * A client that comes back within the grace time makes it followed again. Ended operations are not here.
 */
export interface Orphans {
  /** A stream listens from now on, until the returned function is called. `polled` as the store remembers it. */
  follow(key: OperationKey, polled: boolean): () => void;
  /** Nobody follows yet: a new operation, or one found at start. `polled` as the store remembers it. */
  watchOver(key: OperationKey, polled: boolean): void;
  /** True when at least one stream listens. */
  isFollowed(key: OperationKey): boolean;
  /** All that at least one stream listens to. */
  followed(): OperationKey[];
  /** The operation ended or was forgotten. */
  forget(key: OperationKey): void;
  /** Stops all timers and cancels nothing. */
  close(): void;
  /** Operations watched over, followed or not. */
  readonly size: number;
}

interface State {
  readonly key: OperationKey;
  followers: number;
  polled: boolean;
  timer: Timer | undefined;
}

/** The grace times of an instance; 0 = for ever. */
export interface GraceTimes {
  readonly orphanGraceMs: number;
  readonly polledOrphanGraceMs: number;
}

/** Makes the watch over orphans; `abandon` is called once for an operation whose grace time ran out. */
export function createOrphans(options: {
  clock: Clock;
  graceOf: (instance: string) => GraceTimes;
  abandon: (key: OperationKey, graceMs: number) => void;
}): Orphans {
  // By id, which no two operations have in common, of whatever instance.
  const states = new Map<string, State>();

  function graceMs({ instance }: OperationKey, polled: boolean): number {
    const { orphanGraceMs, polledOrphanGraceMs } = options.graceOf(instance);
    return polled ? polledOrphanGraceMs : orphanGraceMs;
  }

  function startGrace(key: OperationKey, state: State) {
    state.timer?.cancel();
    const delayMs = graceMs(key, state.polled);
    if (delayMs === 0) {
      states.delete(key.id);
      return;
    }
    state.timer = options.clock.after(delayMs, () => {
      states.delete(key.id);
      options.abandon(key, delayMs);
    });
  }

  function stateOf({ instance, id }: OperationKey): State {
    const known = states.get(id);
    if (known) return known;
    const state = { key: { instance, id }, followers: 0, polled: false, timer: undefined };
    states.set(id, state);
    return state;
  }

  function unfollow(key: OperationKey, state: State) {
    state.followers--;
    if (state.followers === 0 && states.get(key.id) === state) startGrace(key, state);
  }

  return {
    follow: (key, polled) => {
      const state = stateOf(key);
      state.polled ||= polled;
      state.followers++;
      state.timer?.cancel();
      state.timer = undefined;
      let following = true;
      return () => {
        if (following) unfollow(key, state);
        following = false;
      };
    },
    watchOver: (key, polled) => {
      // What every poll of an operation comes to, where grace is endless.
      if (graceMs(key, polled) === 0 && !states.has(key.id)) return;
      const state = stateOf(key);
      state.polled ||= polled;
      if (state.followers === 0) startGrace(key, state);
    },
    isFollowed: (key) => (states.get(key.id)?.followers ?? 0) > 0,
    followed: () => [...states.values()].flatMap(({ key, followers }) => (followers > 0 ? [key] : [])),
    forget: (key) => {
      states.get(key.id)?.timer?.cancel();
      states.delete(key.id);
    },
    close: () => {
      for (const state of states.values()) state.timer?.cancel();
      states.clear();
    },
    get size() {
      return states.size;
    },
  };
}
