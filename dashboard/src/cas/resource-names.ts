import { DigestFunction_ValueSchema } from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";

/** What names a blob, as messages have it. */
export interface BlobDigest {
  readonly hash: string;
  readonly sizeBytes: bigint;
}

/** Of no blob: what stands where a message has none. */
export const NO_DIGEST: BlobDigest = { hash: "", sizeBytes: 0n };

/** Where a blob is: the instance, and the number of the function that made its digests (0 when nobody said). */
export interface BlobHome {
  readonly instance: string;
  readonly digestFunction: number;
}

/** Functions that resource names had before they had a segment for the function; the length of the hash tells them. */
const UNNAMED = new Set(["UNKNOWN", "MD5", "MURMUR3", "SHA1", "SHA256", "SHA384", "SHA512", "VSO"]);

/** The ByteStream name that a blob is read by: `[<instance>/]blobs/[<function>/]<hash>/<size>`. */
export function readName({ instance, digestFunction }: BlobHome, { hash, sizeBytes }: BlobDigest): string {
  const name = DigestFunction_ValueSchema.values.find(({ number }) => number === digestFunction)?.name ?? "UNKNOWN";
  const segments = ["blobs", ...(UNNAMED.has(name) ? [] : [name.toLowerCase()]), hash, sizeBytes];
  return (instance === "" ? segments : [instance, ...segments]).join("/");
}

/** A text for a blob that no other blob has. */
export function blobKey({ hash, sizeBytes }: BlobDigest): string {
  return `${hash}/${sizeBytes}`;
}
