/** Calls `work` for every item, at most `limit` at a time, and answers in order. The first error ends it. */
export async function mapLimit<T, R>(items: readonly T[], limit: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  async function worker(): Promise<void> {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at] as T);
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}

/** Runs work for one key after the other; different keys do not wait for each other. */
export class KeyLock {
  readonly #tails = new Map<string, Promise<void>>();

  /** True while work for the key runs or waits. */
  has(key: string): boolean {
    return this.#tails.has(key);
  }

  /** Resolves when all work that runs or waits now is through. */
  async idle(): Promise<void> {
    await Promise.all(this.#tails.values());
  }

  /** Takes its place in the queue at once, so `has` is true as soon as this returns. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    const { promise: tail, resolve: release } = Promise.withResolvers<void>();
    this.#tails.set(key, tail);
    if (before) await before;
    try {
      return await work();
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
      release();
    }
  }
}

/** Runs work as soon as its turn comes. */
export type Limiter = <T>(work: () => Promise<T>) => Promise<T>;

/** Lets at most `limit` pieces of work run at once; the others wait in order. */
export function createLimiter(limit: number): Limiter {
  const waiting: Array<() => void> = [];
  let free = limit;
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}
