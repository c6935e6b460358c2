import { createClient, type Transport } from "@connectrpc/connect";
import {
  Capabilities,
  ContentAddressableStorage,
  type DigestFunction_Value,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { Status } from "../../gen/google/rpc/status_pb.ts";
import { type Digest, digestKey } from "../base/digests.ts";
import { Code, StatusError } from "../base/errors.ts";
import { fromDigest, toDigest } from "../base/wire-digests.ts";
import { blobName } from "./blob-names.ts";
import { type BlobStreams, createBlobStreams } from "./blob-stream.ts";
import { type RetryPolicy, retrying } from "./retry.ts";

const CALL_TIMEOUT_MS = 60_000;
const LARGEST_BATCH_BYTES = 4 * 2 ** 20;
const LIMIT_KNOWN_MS = 60_000;
const FIND_MISSING_AT_ONCE = 10_000;
/** What one entry of a batch takes beside its data. */
const BATCH_ENTRY_BYTES = 128;

/** The CAS of one instance, as a client sees it. All calls are tried again on passing failures. */
export interface CasClient extends BlobStreams {
  /** How many bytes fit into one batch, in either direction, counted with `batchCost`. */
  maxBatchBytes(signal: AbortSignal): Promise<number>;
  /** Reads small blobs in one call. Blobs that the server does not have are left out. */
  readBatch(digests: readonly Digest[], signal: AbortSignal): Promise<Map<string, Uint8Array>>;
  findMissing(digests: readonly Digest[], signal: AbortSignal): Promise<Digest[]>;
  writeBatch(blobs: readonly { digest: Digest; data: Uint8Array }[], signal: AbortSignal): Promise<void>;
}

/** What a blob takes of a batch. */
export function batchCost(digest: Digest): number {
  return digest.sizeBytes + BATCH_ENTRY_BYTES;
}

/** Puts items into batches of at most `maxBytes`, in order. An item that is larger gets a batch of its own. */
export function inBatches<T extends { readonly digest: Digest }>(items: readonly T[], maxBytes: number): T[][] {
  const batches: T[][] = [];
  let room = 0;
  for (const item of items) {
    const cost = batchCost(item.digest);
    if (cost > room) {
      batches.push([]);
      room = maxBytes;
    }
    batches.at(-1)?.push(item);
    room -= cost;
  }
  return batches;
}

/** Makes the client of one instance's CAS. */
export function createCasClient(transport: Transport, instanceName: string, retry: RetryPolicy): CasClient {
  const cas = createClient(ContentAddressableStorage, transport);
  const capabilities = createClient(Capabilities, transport);
  let limit: { readonly bytes: number; readonly until: number } | undefined;

  async function maxBatchBytes(signal: AbortSignal): Promise<number> {
    if (limit && limit.until > retry.clock.now()) return limit.bytes;
    const answer = await retrying(retry, signal, () =>
      capabilities.getCapabilities({ instanceName }, { signal, timeoutMs: CALL_TIMEOUT_MS }),
    );
    const allowed = Number(answer.cacheCapabilities?.maxBatchTotalSizeBytes ?? 0n);
    const bytes = allowed > 0 ? Math.min(allowed, LARGEST_BATCH_BYTES) : LARGEST_BATCH_BYTES;
    limit = { bytes, until: retry.clock.now() + LIMIT_KNOWN_MS };
    return bytes;
  }

  async function readBatch(digests: readonly Digest[], signal: AbortSignal): Promise<Map<string, Uint8Array>> {
    const found = new Map<string, Uint8Array>();
    let wanted = digests;
    await retrying(retry, signal, async () => {
      const request = { instanceName, digests: wanted.map(fromDigest), digestFunction: functionOf(wanted) };
      const answer = await cas.batchReadBlobs(request, { signal, timeoutMs: CALL_TIMEOUT_MS });
      const failed = new Map<string, StatusError>();
      for (const { digest: wire, data, status } of answer.responses) {
        const digest = toDigest(wire, 0, "digest");
        const error = blobError(digest, status);
        if (!error) found.set(digestKey(digest), data);
        else if (error.code !== Code.NotFound) failed.set(digestKey(digest), error);
      }
      wanted = wanted.filter((digest) => failed.has(digestKey(digest)));
      for (const error of failed.values()) throw error;
    });
    return found;
  }

  async function findMissing(digests: readonly Digest[], signal: AbortSignal): Promise<Digest[]> {
    const missing: Digest[] = [];
    for (let from = 0; from < digests.length; from += FIND_MISSING_AT_ONCE) {
      const some = digests.slice(from, from + FIND_MISSING_AT_ONCE);
      const request = { instanceName, blobDigests: some.map(fromDigest), digestFunction: functionOf(some) };
      const answer = await retrying(retry, signal, () =>
        cas.findMissingBlobs(request, { signal, timeoutMs: CALL_TIMEOUT_MS }),
      );
      for (const wire of answer.missingBlobDigests) missing.push(toDigest(wire, 0, "missing_blob_digests"));
    }
    return missing;
  }

  async function writeBatch(
    blobs: readonly { digest: Digest; data: Uint8Array }[],
    signal: AbortSignal,
  ): Promise<void> {
    const requests = blobs.map(({ digest, data }) => ({ digest: fromDigest(digest), data }));
    const digestFunction = functionOf(blobs.map((blob) => blob.digest));
    const request = { instanceName, requests, digestFunction };
    await retrying(retry, signal, async () => {
      const answer = await cas.batchUpdateBlobs(request, { signal, timeoutMs: CALL_TIMEOUT_MS });
      for (const { digest, status } of answer.responses) {
        const error = blobError(toDigest(digest, 0, "digest"), status);
        if (error) throw error;
      }
    });
  }

  const streams = createBlobStreams(transport, instanceName, retry);
  return { ...streams, maxBatchBytes, readBatch, findMissing, writeBatch };
}

function functionOf(digests: readonly Digest[]): DigestFunction_Value {
  return (digests[0]?.fn.wireValue ?? 0) as DigestFunction_Value;
}

function blobError(digest: Digest, status: Status | undefined): StatusError | undefined {
  if (!status || status.code === 0) return undefined;
  return new StatusError(`${blobName(digest)}: ${status.message || `code ${status.code}`}`, status.code as Code);
}
