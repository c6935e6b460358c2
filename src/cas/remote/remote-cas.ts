import type { Clock } from "../../base/clock.ts";
import { type Digest, digestKey } from "../../base/digests.ts";
import { Code, invalidArgument, StatusError, unavailable } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { isEmptyBlob } from "../blob-names.ts";
import { resolveRange } from "../blob-reader.ts";
import type { Cas, CasStats, Range, Upload, UploadStatus } from "../cas.ts";
import { Fetches } from "./fetches.ts";
import { Presence } from "./presence.ts";
import type { BlobContent, RemoteStore } from "./remote-store.ts";

/** How to make a CAS whose blobs are elsewhere. */
export interface RemoteCasOptions {
  /** Has the blobs. Ended with the CAS. */
  readonly store: RemoteStore;
  /** A CAS in files that receives uploads and keeps copies of blobs. Ended with the CAS. */
  readonly cache: Cas;
  /** How long a blob that was there counts as there without asking the store again. */
  readonly presenceTtlMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

const READ_ATTEMPTS = 3;
const RETRY_MS = 1000;

function isNotFound(error: unknown): boolean {
  return error instanceof StatusError && error.code === Code.NotFound;
}

/** The content may be evicted after it was received and before it is read for the store. */
function throwPutError(error: unknown): never {
  throw isNotFound(error) ? unavailable("the blob went before it was stored; send it again", RETRY_MS) : error;
}

/** Makes a CAS whose blobs are in a remote store, with a cache in files in front of it. */
export function createRemoteCas(options: RemoteCasOptions): Cas {
  return new RemoteCas(options);
}

/**
 * A blob is here when the remote store has it; the cache is never asked about that. What a client sends goes into the cache
 * first, where it is received, resumed and verified, and from there to the store; only then it is acknowledged. What is read
 * comes from the cache, into which it is fetched, and verified, when it is not there.
 */
class RemoteCas implements Cas {
  readonly #store: RemoteStore;
  readonly #cache: Cas;
  readonly #presence: Presence;
  readonly #fetches: Fetches;
  readonly #puts = new Map<string, Promise<void>>();
  /** All that stores something now. */
  readonly #storing = new Set<Promise<void>>();

  constructor({ store, cache, presenceTtlMs: ttlMs, clock, log }: RemoteCasOptions) {
    this.#store = store;
    this.#cache = cache;
    this.#presence = new Presence({ store, ttlMs, clock });
    this.#fetches = new Fetches({ store, cache, presence: this.#presence, clock, log });
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.#presence.missing([digest])).length === 0;
  }

  async findMissing(digests: readonly Digest[]): Promise<Digest[]> {
    return await this.#presence.missing(digests);
  }

  async readAll(digest: Digest, maxBytes: number): Promise<Uint8Array> {
    // The cache refuses what is too large, which is not worth a fetch.
    if (digest.sizeBytes > maxBytes) return await this.#cache.readAll(digest, maxBytes);
    return await this.#fromCache(digest, () => this.#cache.readAll(digest, maxBytes));
  }

  async *read(digest: Digest, range: Range): AsyncGenerator<Uint8Array> {
    resolveRange(range, digest.sizeBytes);
    const [chunks, first] = await this.#fromCache(digest, async () => {
      const opened = this.#cache.read(digest, range)[Symbol.asyncIterator]();
      return [opened, await opened.next()] as const;
    });
    try {
      for (let next = first; !next.done; next = await chunks.next()) yield next.value;
    } finally {
      await chunks.return?.();
    }
  }

  async write(digest: Digest, data: Uint8Array): Promise<void> {
    await this.#whileOpen(async () => {
      await this.#cache.write(digest, data);
      await this.#put(digest, data);
    });
  }

  /** What the cache has already, but the store not, counts as received: only the end of the upload is missing. */
  async openUpload(uploadId: string, digest: Digest): Promise<Upload> {
    const put = () => this.#put(digest, () => this.#cache.read(digest, { offset: 0, limit: undefined }));
    if (await this.#cache.has(digest)) return new ReceivedUpload(digest, () => this.#whileOpen(put));
    const received = await this.#cache.openUpload(uploadId, digest);
    return new RemoteUpload(received, () => this.#whileOpen(() => received.finish().then(put)));
  }

  async uploadStatus(uploadId: string, digest: Digest): Promise<UploadStatus> {
    const complete = await this.has(digest);
    const { committedSize } = await this.#cache.uploadStatus(uploadId, digest);
    return { committedSize: complete ? digest.sizeBytes : committedSize, complete };
  }

  /** Of the cache: nobody counts what the store has. */
  stats(): CasStats {
    return this.#cache.stats();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#storing.size > 0) await Promise.allSettled(this.#storing);
    await this.#fetches[Symbol.asyncDispose]();
    await this.#cache[Symbol.asyncDispose]();
    await this.#store[Symbol.asyncDispose]();
  }

  /** Reads from the cache what is fetched if need be. A blob may be evicted in between, so it is tried again. */
  async #fromCache<T>(digest: Digest, read: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      if (!(await this.#cache.has(digest))) await this.#fetches.fetch(digest);
      try {
        return await read();
      } catch (error) {
        if (!isNotFound(error)) throw error;
        if (attempt === READ_ATTEMPTS) throw unavailable("the cache of blobs is too small for what is read", RETRY_MS);
      }
    }
  }

  /** Keeps the CAS from being closed until the work has ended. */
  async #whileOpen(work: () => Promise<void>): Promise<void> {
    const running = work();
    this.#storing.add(running);
    try {
      await running;
    } finally {
      this.#storing.delete(running);
    }
  }

  /** Stores verified content, once for all who do so at the same time. */
  async #put(digest: Digest, content: BlobContent): Promise<void> {
    if (isEmptyBlob(digest) || this.#presence.isKnown(digest)) return;
    const key = digestKey(digest);
    let running = this.#puts.get(key);
    if (!running) {
      running = this.#store
        .put(digest, content)
        .then(() => this.#presence.note(digest), throwPutError)
        .finally(() => this.#puts.delete(key));
      this.#puts.set(key, running);
    }
    await running;
  }
}

/** Received by the cache, then put into the store. If the latter fails, the cache has the content for the next try. */
class RemoteUpload implements Upload {
  readonly #received: Upload;
  readonly #finish: () => Promise<void>;

  constructor(received: Upload, finish: () => Promise<void>) {
    this.#received = received;
    this.#finish = finish;
  }

  get committedSize(): number {
    return this.#received.committedSize;
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#received.write(chunk);
  }

  async finish(): Promise<void> {
    await this.#finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#received[Symbol.asyncDispose]();
  }
}

/** All of the content is in the cache. */
class ReceivedUpload implements Upload {
  readonly committedSize: number;
  readonly #digest: Digest;
  readonly #put: () => Promise<void>;

  constructor(digest: Digest, put: () => Promise<void>) {
    this.committedSize = digest.sizeBytes;
    this.#digest = digest;
    this.#put = put;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (chunk.byteLength === 0) return;
    const expected = digestKey(this.#digest);
    throw invalidArgument("DIGEST_MISMATCH", `more bytes than the digest says: expected ${expected}`, { expected });
  }

  async finish(): Promise<void> {
    await this.#put();
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
