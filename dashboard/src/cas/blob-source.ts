import { Code, ConnectError } from "@connectrpc/connect";
import type { ReadResponse } from "../../../gen/google/bytestream/bytestream_pb.ts";
import { type BlobDigest, type BlobHome, readName } from "./resource-names.ts";

/** Bytes that can be read by parts. */
export interface BlobSource {
  /** In bytes. */
  readonly size: number;
  /** The bytes from `offset` on, at most `limit` of them, in chunks as they come. */
  read(offset: number, limit: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** What reading needs of the server. */
export type ReadCall = (
  request: { resourceName: string; readOffset: bigint; readLimit: bigint },
  options: { signal: AbortSignal },
) => AsyncIterable<ReadResponse>;

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Bytes at hand. */
export function inlineSource(bytes: Uint8Array): BlobSource {
  return {
    size: bytes.byteLength,
    read: async function* (offset, limit) {
      yield bytes.subarray(offset, offset + limit);
    },
  };
}

/** A blob of the CAS. The empty one is not asked for: it needs not be there. Errors come while reading. */
export function blobSource(read: ReadCall, home: BlobHome, digest: BlobDigest): BlobSource {
  const size = Number(digest.sizeBytes);
  const resourceName = readName(home, digest);
  return {
    size,
    read: (offset, limit, signal) => {
      if (offset >= size || limit <= 0) return nothing();
      const request = { resourceName, readOffset: BigInt(offset), readLimit: BigInt(Math.min(limit, size - offset)) };
      return chunks(read(request, { signal }));
    },
  };
}

async function* chunks(responses: AsyncIterable<ReadResponse>): AsyncGenerator<Uint8Array> {
  for await (const { data } of responses) yield data;
}

/** A part of a source as one array. */
export async function readPart(
  source: BlobSource,
  part: { readonly offset: number; readonly limit: number },
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(Math.max(0, Math.min(part.limit, source.size - part.offset)));
  let length = 0;
  for await (const chunk of source.read(part.offset, bytes.byteLength, signal)) {
    const room = chunk.subarray(0, bytes.byteLength - length);
    bytes.set(room, length);
    length += room.byteLength;
  }
  return bytes.subarray(0, length);
}

/** All of a source. RESOURCE_EXHAUSTED when it is larger than `most` bytes. */
export async function readWhole(
  source: BlobSource,
  most: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  if (source.size > most)
    throw new ConnectError(`larger than the ${most} bytes that a page reads`, Code.ResourceExhausted);
  return readPart(source, { offset: 0, limit: source.size }, signal);
}
