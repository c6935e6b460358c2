import { type Digest, type DigestFunction, digestKey } from "../base/digests.ts";
import { notFound } from "../base/errors.ts";

const emptyHashes = new Map<DigestFunction, string>();

/** True for the blob without content, which every CAS has. */
export function isEmptyBlob({ fn, hash, sizeBytes }: Digest): boolean {
  if (sizeBytes !== 0) return false;
  let emptyHash = emptyHashes.get(fn);
  if (emptyHash === undefined) {
    emptyHash = fn.createHasher().hex();
    emptyHashes.set(fn, emptyHash);
  }
  return hash === emptyHash;
}

/** NOT_FOUND for a blob. */
export function blobNotFound(digest: Digest): Error {
  return notFound("blob", `blobs/${digestKey(digest)}`);
}
