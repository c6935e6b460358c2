/** The numbers of the changes that this process has made itself, until they have been read past. */
export interface OwnChanges {
  add(change: number): void;
  has(change: number): boolean;
  /** Nobody reads so far back any more. */
  forgetUpTo(change: number): void;
  /** For a database that may have gone back in time, and gives out the same numbers again. */
  clear(): void;
}

/** If nobody reads, or far behind, own changes are taken for those of others. */
const MOST_KEPT = 100_000;

/** Makes an empty set of changes. */
export function createOwnChanges(): OwnChanges {
  const kept = new Set<number>();
  return {
    add: (change) => {
      if (kept.size >= MOST_KEPT) kept.clear();
      kept.add(change);
    },
    has: (change) => kept.has(change),
    forgetUpTo: (change) => {
      // They come nearly in order: what is behind a later one goes the next time.
      for (const each of kept) {
        if (each > change) break;
        kept.delete(each);
      }
    },
    clear: () => kept.clear(),
  };
}
