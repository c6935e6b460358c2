import type { Logger } from "../base/log.ts";
import type { BlobFiles } from "./blob-files.ts";
import { type BlobIndex, contentKey, type IndexEntry } from "./blob-index.ts";
import { createLimiter, type KeyLock, type Limiter } from "./concurrency.ts";
import type { Space } from "./space.ts";

const REMOVE_CONCURRENCY = 4;
const BATCH = 1024;
const MAX_ROUNDS = 2;

/** What eviction works on. */
export interface EvictionDeps {
  readonly index: BlobIndex;
  readonly files: BlobFiles;
  readonly locks: KeyLock;
  readonly space: Space;
  /** Content keys of the blobs that live actions need. */
  readonly needed: () => Promise<ReadonlySet<string>>;
  /** Gives up one upload that nobody is sending; answers its bytes, 0 when there is none. */
  readonly dropIdleUpload: () => Promise<number>;
  readonly log: Logger;
}

/**
 * Makes the function that frees at least so many bytes if it can and answers how many it freed. It removes the least recently
 * used blobs that no live action needs, then uploads that nobody is sending.
 *
 * What is needed is asked first, which takes time; a blob used after that moment may be needed by an action that came
 * later, so it stays. If that is why nothing went, one more round asks again.
 */
export function createEviction(deps: EvictionDeps): (bytes: number) => Promise<number> {
  return async (bytes) => {
    let freed = 0;
    for (let round = 0; round < MAX_ROUNDS && freed === 0; round++) freed = await evictBlobs(deps, bytes);
    while (freed < bytes) {
      const dropped = await deps.dropIdleUpload();
      if (dropped === 0) break;
      freed += dropped;
    }
    deps.log.info({ bytes, freed }, "evicted blobs to make room");
    return freed;
  };
}

async function evictBlobs(deps: EvictionDeps, bytes: number): Promise<number> {
  const era = deps.index.beginEra();
  const needed = await deps.needed();
  const limit = createLimiter(REMOVE_CONCURRENCY);
  let freed = 0;
  while (freed < bytes) {
    const victims = chooseVictims(deps, needed, era, bytes - freed);
    if (victims.length === 0) break;
    const sizes = await Promise.all(victims.map((victim) => removeVictim(deps, victim, limit)));
    freed += sizes.reduce((sum, size) => sum + size, 0);
  }
  return freed;
}

/** The next few blobs to go. One that is locked is being stored, or its file being removed, so it is no candidate. */
function chooseVictims(deps: EvictionDeps, needed: ReadonlySet<string>, era: number, bytes: number): IndexEntry[] {
  const victims: IndexEntry[] = [];
  let sum = 0;
  for (const entry of deps.index.fromOldest()) {
    if (sum >= bytes || victims.length === BATCH || entry.era >= era) break;
    const key = contentKey(entry);
    if (needed.has(key) || deps.locks.has(key)) continue;
    victims.push(entry);
    sum += entry.sizeBytes;
  }
  return victims;
}

/**
 * Takes the lock and the entry out of the index before it first waits: nobody finds the blob from then on, and who wants to
 * store it again waits until the file is gone. A file that cannot be removed keeps its blob, as a used one.
 */
async function removeVictim(deps: EvictionDeps, victim: IndexEntry, limit: Limiter): Promise<number> {
  return await deps.locks.run(contentKey(victim), async () => {
    deps.index.remove(victim);
    deps.space.occupy(victim.sizeBytes);
    try {
      await limit(() => deps.files.removeBlob(victim));
    } catch (error) {
      deps.log.error({ err: error, hash: victim.hash }, "a blob could not be evicted");
      deps.index.add(victim, victim.mtimeSeconds);
      deps.space.release(victim.sizeBytes);
      return 0;
    }
    deps.space.release(victim.sizeBytes);
    return victim.sizeBytes;
  });
}
