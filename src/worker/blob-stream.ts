import { randomUUID } from "node:crypto";
import { createClient, type Transport } from "@connectrpc/connect";
import { ByteStream } from "../../gen/google/bytestream/bytestream_pb.ts";
import type { Digest } from "../base/digests.ts";
import { Code, StatusError } from "../base/errors.ts";
import { blobName } from "./blob-names.ts";
import { missingBlobs } from "./missing-blobs.ts";
import { type RetryPolicy, retrying } from "./retry.ts";

const QUERY_TIMEOUT_MS = 60_000;

/** Where the bytes of an upload come from; `open` may be called again for a second try. */
export interface BlobSource {
  readonly digest: Digest;
  open(offset: number): AsyncIterable<Uint8Array>;
}

/** Single blobs of any size, over google.bytestream. */
export interface BlobStreams {
  /** Reads one blob, resuming after a loss of the connection. FAILED_PRECONDITION when it is missing. */
  read(digest: Digest, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Writes one blob, resuming after a loss of the connection. */
  write(source: BlobSource, signal: AbortSignal): Promise<void>;
}

/** Makes the streams of one instance's CAS. */
export function createBlobStreams(transport: Transport, instance: string, retry: RetryPolicy): BlobStreams {
  const client = createClient(ByteStream, transport);
  const prefix = instance === "" ? "" : `${instance}/`;

  async function* read(digest: Digest, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const resourceName = `${prefix}${blobName(digest)}`;
    const left = new AbortController();
    const options = { signal: AbortSignal.any([signal, left.signal]) };
    let offset = 0;
    let stream: AsyncIterator<{ data: Uint8Array }> | undefined;
    const next = async () => {
      stream ??= client.read({ resourceName, readOffset: BigInt(offset) }, options)[Symbol.asyncIterator]();
      try {
        return await stream.next();
      } catch (error) {
        stream = undefined;
        throw isNotFound(error) ? missingBlobs([digest]) : error;
      }
    };
    try {
      for (;;) {
        const step = await retrying(retry, signal, next);
        if (step.done) return;
        offset += step.value.data.byteLength;
        yield step.value.data;
      }
    } finally {
      left.abort();
    }
  }

  async function write(source: BlobSource, signal: AbortSignal): Promise<void> {
    const resourceName = `${prefix}uploads/${randomUUID()}/${blobName(source.digest)}`;
    let tries = 0;
    await retrying(retry, signal, async () => {
      const offset = tries++ === 0 ? 0 : await committed(resourceName, signal);
      const answer = await client.write(writeRequests(resourceName, source, offset), { signal });
      const size = Number(answer.committedSize);
      if (size !== source.digest.sizeBytes && size !== -1) {
        throw new StatusError(`upload of ${blobName(source.digest)} ended at ${size} bytes`, Code.Unavailable);
      }
    });
  }

  async function committed(resourceName: string, signal: AbortSignal): Promise<number> {
    try {
      const status = await client.queryWriteStatus({ resourceName }, { signal, timeoutMs: QUERY_TIMEOUT_MS });
      return status.complete ? 0 : Number(status.committedSize);
    } catch (error) {
      if (isNotFound(error)) return 0;
      throw error;
    }
  }

  return { read, write };
}

async function* writeRequests(resourceName: string, source: BlobSource, offset: number) {
  const size = source.digest.sizeBytes;
  let at = offset;
  for await (const data of source.open(offset)) {
    const finishWrite = at + data.byteLength >= size;
    yield { resourceName: at === offset ? resourceName : "", writeOffset: BigInt(at), data, finishWrite };
    at += data.byteLength;
    if (finishWrite) return;
  }
  // Nothing was left to send, or the file became shorter: the server judges.
  yield { resourceName: at === offset ? resourceName : "", writeOffset: BigInt(at), finishWrite: true };
}

function isNotFound(error: unknown): boolean {
  return error instanceof StatusError && error.code === Code.NotFound;
}
