import type { Clock } from "../../base/clock.ts";
import { type Digest, digestKey } from "../../base/digests.ts";
import { Code, resourceExhausted, StatusError, unavailable } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { blobNotFound } from "../blob-names.ts";
import type { Cas } from "../cas.ts";
import { createLimiter } from "../concurrency.ts";
import type { Presence } from "./presence.ts";
import type { RemoteContent, RemoteStore } from "./remote-store.ts";

/** No client can choose it, because a client's id has no slash in it. */
const FETCH_ID = "fetch/";
const CONCURRENCY = 32;
const MAX_ATTEMPTS = 4;
const BACKOFF_MS = 200;
const RETRY_MS = 1000;
const NOTHING: RemoteContent = { version: "", chunks: (async function* () {})() };

/** What fetches work on. */
export interface FetchDeps {
  readonly store: RemoteStore;
  readonly cache: Cas;
  readonly presence: Presence;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Brings blobs from the store into the cache, once for all who wait for the same one. Each is received like an upload: hashed
 * on the way, in the cache only if it matches, and resumed where a broken connection left it.
 */
export class Fetches implements AsyncDisposable {
  readonly #deps: FetchDeps;
  readonly #running = new Map<string, Promise<void>>();
  readonly #limit = createLimiter(CONCURRENCY);
  readonly #end = new AbortController();

  constructor(deps: FetchDeps) {
    this.#deps = deps;
  }

  /** Resolves when the blob is in the cache. NOT_FOUND when the store does not have it, or something else in its place. */
  async fetch(digest: Digest): Promise<void> {
    const key = digestKey(digest);
    let running = this.#running.get(key);
    if (!running) {
      running = this.#limit(() => this.#receive(digest)).finally(() => this.#running.delete(key));
      this.#running.set(key, running);
    }
    await running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await Promise.allSettled(this.#running.values());
  }

  async #receive(digest: Digest): Promise<void> {
    if (await this.#deps.presence.isDamaged(digest)) throw blobNotFound(digest);
    for (let attempt = 1; ; attempt++) {
      if (this.#end.signal.aborted) throw unavailable("the content-addressed storage is closed", RETRY_MS);
      try {
        if (await this.#receiveRest(digest)) return;
      } catch (error) {
        const transient = error instanceof StatusError && error.code === Code.Unavailable;
        if (!transient || attempt === MAX_ATTEMPTS) throw error;
        await this.#pause(BACKOFF_MS * 2 ** (attempt - 1));
      }
    }
  }

  /** Receives what is not here yet. False when it did not match and was not all from one response: then once more. */
  async #receiveRest(digest: Digest): Promise<boolean> {
    const { store, cache, presence } = this.#deps;
    await using upload = await this.#openUpload(cache, digest);
    const from = upload.committedSize;
    // A process that died after the last byte has left nothing to ask for, which a store may refuse.
    const content = from === digest.sizeBytes ? NOTHING : await store.open(digest, from, this.#end.signal);
    if (!content) {
      presence.forget(digest);
      throw blobNotFound(digest);
    }
    try {
      for await (const chunk of content.chunks) await upload.write(chunk);
      await upload.finish();
      return true;
    } catch (error) {
      if (!(error instanceof StatusError && error.code === Code.InvalidArgument)) throw error;
      if (from > 0) return false;
      this.#deps.log.error({ err: error, blob: digestKey(digest) }, "a blob in the remote store is damaged");
      presence.markDamaged(digest, content.version);
      throw blobNotFound(digest);
    }
  }

  async #openUpload(cache: Cas, digest: Digest) {
    try {
      return await cache.openUpload(FETCH_ID, digest);
    } catch (error) {
      if (!(error instanceof StatusError && error.code === Code.InvalidArgument)) throw error;
      throw resourceExhausted("BLOB_TOO_LARGE", `blob ${digestKey(digest)} is larger than this server takes`);
    }
  }

  async #pause(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#deps.clock.after(delayMs, resolve);
    const end = () => resolve();
    this.#end.signal.addEventListener("abort", end, { once: true });
    await promise;
    timer.cancel();
    this.#end.signal.removeEventListener("abort", end);
  }
}
