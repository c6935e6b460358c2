import { type Digest, digestKey, digestOf, sameDigest } from "../base/digests.ts";
import { Code, invalidArgument, StatusError } from "../base/errors.ts";
import type { BlobCache } from "./blob-cache.ts";
import { blobName } from "./blob-names.ts";
import { batchCost, type CasClient, inBatches } from "./cas-client.ts";
import { missingBlobs } from "./missing-blobs.ts";
import { eachLimited } from "./waiting.ts";

const DOWNLOADS_AT_ONCE = 4;
const MAX_MESSAGE_BYTES = 64 * 2 ** 20;
const MAX_CONFIRMED = 200_000;

/** What actions of one instance take from its CAS. */
export interface Inputs {
  /** Reads messages (actions, commands, directories) into memory. FAILED_PRECONDITION naming the missing ones. */
  read(digests: readonly Digest[], signal: AbortSignal): Promise<Map<string, Uint8Array>>;
  /**
   * Brings blobs into the local cache and keeps them there until disposed. FAILED_PRECONDITION naming the missing
   * ones; also for a blob that the cache has from another instance and this one does not have.
   */
  hold(digests: readonly Digest[], signal: AbortSignal): Promise<AsyncDisposable>;
}

/** Makes the inputs of one instance over the bot's cache. Several actions may ask at once; a blob is loaded once. */
export function createInputs(cas: CasClient, cache: BlobCache): Inputs {
  const loading = new Map<string, Promise<unknown>>();
  const confirmed = new Set<string>();

  async function read(digests: readonly Digest[], signal: AbortSignal): Promise<Map<string, Uint8Array>> {
    const found = new Map<string, Uint8Array>();
    const missing: Digest[] = [];
    await eachBatch(unique(digests), signal, async (batch, single) => {
      if (single) found.set(digestKey(single), await readWhole(single, signal));
      else await readSome(batch, found, missing, signal);
    });
    if (missing.length > 0) throw missingBlobs(missing);
    return found;
  }

  async function readWhole(digest: Digest, signal: AbortSignal): Promise<Uint8Array> {
    if (digest.sizeBytes > MAX_MESSAGE_BYTES) {
      throw invalidArgument("MESSAGE_TOO_LARGE", `${blobName(digest)} is too large for a message`);
    }
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of cas.read(digest, signal)) {
      size += chunk.byteLength;
      if (size > digest.sizeBytes) break;
      chunks.push(chunk);
    }
    return verified(digest, Buffer.concat(chunks));
  }

  async function readSome(batch: Digest[], found: Map<string, Uint8Array>, missing: Digest[], signal: AbortSignal) {
    const answer = await cas.readBatch(batch, signal);
    for (const digest of batch) {
      const data = isEmpty(digest) ? new Uint8Array() : answer.get(digestKey(digest));
      if (data) found.set(digestKey(digest), verified(digest, data));
      else missing.push(digest);
    }
  }

  async function hold(digests: readonly Digest[], signal: AbortSignal): Promise<AsyncDisposable> {
    const held: Digest[] = [];
    try {
      const missing = await obtain(unique(digests), held, signal);
      if (missing.length > 0) throw missingBlobs(missing);
      return { [Symbol.asyncDispose]: () => cache.release(held) };
    } catch (error) {
      await cache.release(held);
      throw error;
    }
  }

  async function obtain(digests: readonly Digest[], held: Digest[], signal: AbortSignal): Promise<Digest[]> {
    const absent: Digest[] = [];
    const doubtful: Digest[] = [];
    for (const digest of digests) {
      if (!(await cache.hold(digest))) absent.push(digest);
      else {
        held.push(digest);
        if (!confirmed.has(digestKey(digest))) doubtful.push(digest);
      }
    }
    const missing = await confirm(doubtful, signal);
    return [...missing, ...(await load(absent, held, signal))];
  }

  async function confirm(digests: readonly Digest[], signal: AbortSignal): Promise<Digest[]> {
    if (digests.length === 0) return [];
    const missing = await cas.findMissing(digests, signal);
    const keys = new Set(missing.map(digestKey));
    for (const digest of digests) if (!keys.has(digestKey(digest))) remember(digest);
    return missing;
  }

  function remember(digest: Digest): void {
    if (confirmed.size >= MAX_CONFIRMED) confirmed.clear();
    confirmed.add(digestKey(digest));
  }

  async function load(absent: readonly Digest[], held: Digest[], signal: AbortSignal): Promise<Digest[]> {
    if (absent.length === 0) return [];
    const others = absent.filter((digest) => loading.has(digestKey(digest)));
    const mine = absent.filter((digest) => !loading.has(digestKey(digest)));
    const elsewhere = others.map((digest) => loading.get(digestKey(digest)));
    const own = download(mine, held, signal);
    const settled = own
      .catch(() => {})
      .then(() => {
        for (const digest of mine) loading.delete(digestKey(digest));
      });
    for (const digest of mine) loading.set(digestKey(digest), settled);
    const missing = await own;
    await Promise.all(elsewhere);
    return others.length === 0 ? missing : [...missing, ...(await obtain(others, held, signal))];
  }

  async function download(digests: readonly Digest[], held: Digest[], signal: AbortSignal): Promise<Digest[]> {
    const missing: Digest[] = [];
    const store = async (digest: Digest, content: Uint8Array | AsyncIterable<Uint8Array>) => {
      await cache.store(digest, content);
      held.push(digest);
      remember(digest);
    };
    await eachBatch(digests, signal, async (batch, single) => {
      if (single) return store(single, cas.read(single, signal));
      const answer = await cas.readBatch(batch, signal);
      for (const digest of batch) {
        const data = answer.get(digestKey(digest));
        if (data) await store(digest, data);
        else missing.push(digest);
      }
    });
    return missing;
  }

  /** Visits in batches what fits into one; what does not is visited alone, as `single`. */
  async function eachBatch(
    digests: readonly Digest[],
    signal: AbortSignal,
    visit: (batch: Digest[], single: Digest | undefined) => Promise<void>,
  ): Promise<void> {
    if (digests.length === 0) return;
    const maxBytes = await cas.maxBatchBytes(signal);
    const items = digests.map((digest) => ({ digest }));
    const batches = inBatches(
      items.filter(({ digest }) => batchCost(digest) <= maxBytes),
      maxBytes,
    ).map((batch) => ({ batch: batch.map(({ digest }) => digest), single: undefined }));
    const singles = digests.filter((digest) => batchCost(digest) > maxBytes);
    const visits = [...singles.map((single) => ({ batch: [], single })), ...batches];
    await eachLimited(visits, DOWNLOADS_AT_ONCE, ({ batch, single }) => visit(batch, single));
  }

  return { read, hold };
}

function isEmpty(digest: Digest): boolean {
  return digest.sizeBytes === 0 && sameDigest(digest, digestOf(new Uint8Array(), digest.fn));
}

function unique(digests: readonly Digest[]): Digest[] {
  return [...new Map(digests.map((digest) => [digestKey(digest), digest])).values()];
}

function verified(digest: Digest, data: Uint8Array): Uint8Array {
  if (sameDigest(digestOf(data, digest.fn), digest)) return data;
  throw new StatusError(`the content received for ${blobName(digest)} does not match its digest`, Code.Internal);
}
