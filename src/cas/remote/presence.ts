import type { Clock } from "../../base/clock.ts";
import { type Digest, digestKey } from "../../base/digests.ts";
import { isEmptyBlob } from "../blob-names.ts";
import { createBoundedMap } from "../bounded-map.ts";
import type { RemoteStore } from "./remote-store.ts";

const MAX_KNOWN = 500_000;
const MAX_DAMAGED = 10_000;

/** What presence is asked of. */
export interface PresenceDeps {
  readonly store: Pick<RemoteStore, "find">;
  /** How long a blob that was there counts as there without asking again. */
  readonly ttlMs: number;
  readonly clock: Clock;
}

/**
 * Which blobs the store has. A yes is remembered for `ttlMs`, a no never; who asks for a blob while somebody else does
 * waits for the same answer. A version of a blob that turned out to be damaged counts as missing until another is there.
 */
export class Presence {
  readonly #deps: PresenceDeps;
  /** When what is known of a blob ends. */
  readonly #known = createBoundedMap<number>(MAX_KNOWN);
  readonly #damaged = createBoundedMap<string>(MAX_DAMAGED);
  readonly #asking = new Map<string, Promise<boolean>>();

  constructor(deps: PresenceDeps) {
    this.#deps = deps;
  }

  /** Those of the digests that the store does not have, the same objects in the same order. */
  async missing(digests: readonly Digest[]): Promise<Digest[]> {
    const unknown = digests.filter((digest) => !this.isKnown(digest));
    if (unknown.length === 0) return [];
    const news = new Map<string, Digest>();
    for (const digest of unknown) {
      const key = digestKey(digest);
      if (!this.#asking.has(key)) news.set(key, digest);
    }
    if (news.size > 0) this.#ask([...news.values()]);
    const answers = await Promise.all(unknown.map((digest) => this.#asking.get(digestKey(digest))));
    const here = new Set(unknown.filter((_, i) => answers[i]));
    return unknown.filter((digest) => !here.has(digest));
  }

  /** True when the blob was there a short while ago. */
  isKnown(digest: Digest): boolean {
    if (isEmptyBlob(digest)) return true;
    return (this.#known.get(digestKey(digest)) ?? Number.NEGATIVE_INFINITY) > this.#deps.clock.monotonic();
  }

  /** True when the blob is known to be damaged; asks whether it still is. */
  async isDamaged(digest: Digest): Promise<boolean> {
    return this.#damaged.get(digestKey(digest)) !== undefined && (await this.missing([digest])).length > 0;
  }

  /** The blob is there: it was just stored. */
  note(digest: Digest): void {
    const key = digestKey(digest);
    this.#damaged.delete(key);
    this.#remember(key);
  }

  /** The blob turned out not to be there. */
  forget(digest: Digest): void {
    this.#known.delete(digestKey(digest));
  }

  /** The store has something else under the blob's name. */
  markDamaged(digest: Digest, version: string): void {
    const key = digestKey(digest);
    this.#known.delete(key);
    this.#damaged.set(key, version, 1);
  }

  #remember(key: string): void {
    if (this.#deps.ttlMs > 0) this.#known.set(key, this.#deps.clock.monotonic() + this.#deps.ttlMs, 1);
  }

  #ask(digests: readonly Digest[]): void {
    const versions = this.#deps.store.find(digests);
    for (const [i, digest] of digests.entries()) {
      const key = digestKey(digest);
      const answer = versions.then((found) => this.#take(key, found[i])).finally(() => this.#asking.delete(key));
      // Somebody may have stopped waiting for it: whoever has not gets the error.
      answer.catch(() => {});
      this.#asking.set(key, answer);
    }
  }

  #take(key: string, version: string | undefined): boolean {
    if (version === undefined) return false;
    const damaged = this.#damaged.get(key);
    if (damaged === version) return false;
    if (damaged !== undefined) this.#damaged.delete(key);
    this.#remember(key);
    return true;
  }
}
