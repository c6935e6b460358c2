/** A map that forgets what was used longest ago once its weights add up to more than a limit. */
export interface BoundedMap<V> {
  /** Counts as a use. */
  get(key: string): V | undefined;
  /** Does nothing for a value that alone is heavier than the limit. */
  set(key: string, value: V, weight: number): void;
  delete(key: string): void;
}

/** Makes an empty map; `maxWeight` is in whatever unit the weights are. */
export function createBoundedMap<V>(maxWeight: number): BoundedMap<V> {
  const entries = new Map<string, { value: V; weight: number }>();
  let total = 0;

  function remove(key: string): void {
    total -= entries.get(key)?.weight ?? 0;
    entries.delete(key);
  }

  return {
    get: (key) => {
      const entry = entries.get(key);
      if (!entry) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set: (key, value, weight) => {
      remove(key);
      if (weight > maxWeight) return;
      entries.set(key, { value, weight });
      total += weight;
      for (const oldest of entries.keys()) {
        if (total <= maxWeight) return;
        remove(oldest);
      }
    },
    delete: remove,
  };
}
