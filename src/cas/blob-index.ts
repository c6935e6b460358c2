import { type Digest, type DigestFunction, sha256 } from "../base/digests.ts";

/** A blob that is on disk. */
export interface IndexEntry extends Digest {
  /** Seconds since the epoch that the file's mtime says, about. */
  mtimeSeconds: number;
  /** The era of the last use: see `BlobIndex.beginEra`. */
  era: number;
  older: IndexEntry | undefined;
  newer: IndexEntry | undefined;
}

/** Names content within one process. The size is left out: content of one hash has one size. */
export function contentKey(digest: Digest): string {
  return digest.fn === sha256 ? digest.hash : `${digest.fn.name}:${digest.hash}`;
}

/**
 * Which blobs are on disk, in order of use. The order is a linked list beside the map: moving keys within a Map of a million
 * entries stalls the event loop for 0.2 s whenever the map is rebuilt.
 */
export class BlobIndex {
  readonly #entries = new Map<string, IndexEntry>();
  #oldest: IndexEntry | undefined;
  #newest: IndexEntry | undefined;
  #bytes = 0;
  #era = 0;

  get count(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The entry of a blob; one with another size is not it. Not a use. */
  find(digest: Digest): IndexEntry | undefined {
    const entry = this.#entries.get(contentKey(digest));
    return entry?.sizeBytes === digest.sizeBytes ? entry : undefined;
  }

  /** Makes the entry the most recently used one. */
  use(entry: IndexEntry): void {
    entry.era = this.#era;
    if (entry === this.#newest) return;
    this.#unlink(entry);
    this.#append(entry);
  }

  /** Adds a blob that is not there yet, as the most recently used one. */
  add(digest: Digest, mtimeSeconds: number): void {
    const entry = newEntry(digest.fn, digest.hash, digest.sizeBytes, mtimeSeconds, this.#era);
    this.#entries.set(contentKey(entry), entry);
    this.#append(entry);
    this.#bytes += entry.sizeBytes;
  }

  /** Forgets an entry that is there. */
  remove(entry: IndexEntry): void {
    this.#entries.delete(contentKey(entry));
    this.#unlink(entry);
    this.#bytes -= entry.sizeBytes;
  }

  /** Starts a new era and returns it: entries used from now on have this one. */
  beginEra(): number {
    return ++this.#era;
  }

  /** Entries from the least recently used one on. Only the entry at hand may be removed or used while it runs. */
  *fromOldest(): Generator<IndexEntry> {
    for (let entry = this.#oldest; entry; ) {
      const { newer } = entry;
      yield entry;
      entry = newer;
    }
  }

  #append(entry: IndexEntry): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest) this.#newest.newer = entry;
    else this.#oldest = entry;
    this.#newest = entry;
  }

  #unlink(entry: IndexEntry): void {
    if (entry.older) entry.older.newer = entry.newer;
    else this.#oldest = entry.newer;
    if (entry.newer) entry.newer.older = entry.older;
    else this.#newest = entry.older;
  }
}

function newEntry(fn: DigestFunction, hash: string, sizeBytes: number, mtimeSeconds: number, era: number): IndexEntry {
  // A copy: a hash cut out of a resource name would keep all of the name in memory.
  const own = Buffer.from(hash, "latin1").toString("latin1");
  return { fn, hash: own, sizeBytes, mtimeSeconds, era, older: undefined, newer: undefined };
}
