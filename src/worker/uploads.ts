import { type Digest, digestKey } from "../base/digests.ts";
import type { BlobSource } from "./blob-stream.ts";
import { batchCost, type CasClient, inBatches } from "./cas-client.ts";
import { eachLimited } from "./waiting.ts";

const UPLOADS_AT_ONCE = 4;
const FILES_AT_ONCE = 8;

/** Puts blobs into the CAS that are not there yet: small ones in batches, large ones as streams. */
export async function uploadBlobs(cas: CasClient, sources: readonly BlobSource[], signal: AbortSignal): Promise<void> {
  const byKey = new Map<string, BlobSource>();
  for (const source of sources) if (source.digest.sizeBytes > 0) byKey.set(digestKey(source.digest), source);
  if (byKey.size === 0) return;
  const missing = await cas.findMissing(
    [...byKey.values()].map((source) => source.digest),
    signal,
  );
  const maxBytes = await cas.maxBatchBytes(signal);
  const sourceOf = (digest: Digest) => byKey.get(digestKey(digest)) as BlobSource;
  const wanted = missing.filter((digest) => byKey.has(digestKey(digest))).map(sourceOf);
  const large = wanted.filter(({ digest }) => batchCost(digest) > maxBytes);
  const batches = inBatches(
    wanted.filter(({ digest }) => batchCost(digest) <= maxBytes),
    maxBytes,
  );
  await eachLimited([...large, ...batches], UPLOADS_AT_ONCE, async (work) => {
    if (Array.isArray(work)) await cas.writeBatch(await readAll(work), signal);
    else await cas.write(work, signal);
  });
}

async function readAll(sources: readonly BlobSource[]): Promise<{ digest: Digest; data: Uint8Array }[]> {
  const blobs: { digest: Digest; data: Uint8Array }[] = [];
  await eachLimited(sources, FILES_AT_ONCE, async (source) => void blobs.push(await readOne(source)));
  return blobs;
}

async function readOne(source: BlobSource): Promise<{ digest: Digest; data: Uint8Array }> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source.open(0)) chunks.push(chunk);
  return { digest: source.digest, data: chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks) };
}
