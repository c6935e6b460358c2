import type { Digest, DigestFunction } from "../base/digests.ts";

const NAMED_BY_LENGTH = new Set(["md5", "murmur3", "sha1", "sha256", "sha384", "sha512", "vso"]);

/** `blobs/[<function>/]<hash>/<size>`, as in resource names and in violations of type MISSING. */
export function blobName(digest: Digest): string {
  const fn = NAMED_BY_LENGTH.has(digest.fn.name) ? "" : `${digest.fn.name}/`;
  return `blobs/${fn}${digest.hash}/${digest.sizeBytes}`;
}

/** The digest of content that is read chunk by chunk. */
export async function digestOfStream(chunks: AsyncIterable<Uint8Array>, fn: DigestFunction): Promise<Digest> {
  const hasher = fn.createHasher();
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    hasher.update(chunk);
    sizeBytes += chunk.byteLength;
  }
  return { fn, hash: hasher.hex(), sizeBytes };
}
