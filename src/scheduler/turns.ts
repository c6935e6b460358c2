/** Lets the calls for one key run one after the other. */
export interface Turns {
  /**
   * Runs `body` when the calls for the key that came before have ended. A new call asks the one that runs to end soon, by
   * the signal that the running body got; that signal also fires with the caller's own.
   */
  take<T>(key: string, signal: AbortSignal | undefined, body: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

interface Turn {
  readonly hurry: AbortController;
  readonly ended: Promise<void>;
}

/** Makes an empty set of turns. */
export function createTurns(): Turns {
  const last = new Map<string, Turn>();
  return {
    take: async (key, signal, body) => {
      const before = last.get(key);
      const hurry = new AbortController();
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      const turn: Turn = { hurry, ended };
      last.set(key, turn);
      before?.hurry.abort();
      try {
        await before?.ended;
        return await body(signal ? AbortSignal.any([signal, hurry.signal]) : hurry.signal);
      } finally {
        end();
        if (last.get(key) === turn) last.delete(key);
      }
    },
  };
}
