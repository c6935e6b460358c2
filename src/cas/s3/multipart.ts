import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { Logger } from "../../base/log.ts";
import type { MemoryBudget } from "./memory-budget.ts";

/** A blob of more is sent in parts. */
export const PART_BYTES = 8 * 1024 * 1024;
const MAX_PARTS = 10_000;
const ROUND_TO_BYTES = 1024 * 1024;

/** An object that is sent in parts. */
export interface MultipartDeps {
  readonly client: S3Client;
  readonly target: { readonly Bucket: string; readonly Key: string };
  readonly budget: MemoryBudget;
  readonly log: Logger;
}

interface Part {
  readonly ETag: string | undefined;
  readonly PartNumber: number;
}

/** How large the parts are: S3 takes 10,000 of them at most, all but the last of one size. */
export function partBytesFor(sizeBytes: number): number {
  const needed = Math.ceil(sizeBytes / MAX_PARTS / ROUND_TO_BYTES) * ROUND_TO_BYTES;
  return Math.max(PART_BYTES, needed);
}

/**
 * Sends an object in parts, as many at once as the budget has memory for. The object is there when all are; when one fails,
 * the others are removed.
 */
export async function putInParts(
  deps: MultipartDeps,
  sizeBytes: number,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const { client, target, log } = deps;
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(target));
  try {
    const Parts = await sendParts(deps, UploadId, sizeBytes, chunks);
    await client.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }));
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand({ ...target, UploadId })).catch((failure: unknown) => {
      log.warn({ err: failure, key: target.Key }, "the parts of a blob that was not stored are left in the bucket");
    });
    throw error;
  }
}

async function sendParts(
  { client, target, budget }: MultipartDeps,
  UploadId: string | undefined,
  sizeBytes: number,
  chunks: AsyncIterable<Uint8Array>,
): Promise<Part[]> {
  const partBytes = partBytesFor(sizeBytes);
  const sending: Promise<Part>[] = [];
  let failed = false;
  await using reader = new PieceReader(chunks);
  try {
    for (let at = 0; at < sizeBytes && !failed; at += partBytes) {
      const length = Math.min(partBytes, sizeBytes - at);
      const giveBack = await budget.take(length);
      const PartNumber = sending.length + 1;
      const send = async (Body: Uint8Array): Promise<Part> => {
        const { ETag } = await client.send(new UploadPartCommand({ ...target, UploadId, PartNumber, Body }));
        return { ETag, PartNumber };
      };
      const piece = await reader.next(length).catch((error: unknown) => {
        giveBack();
        throw error;
      });
      const sent = send(piece).finally(giveBack);
      sent.catch(() => {
        failed = true;
      });
      sending.push(sent);
    }
    return await Promise.all(sending);
  } finally {
    await Promise.allSettled(sending);
  }
}

/** Joins chunks of any size to pieces of the sizes that are asked for. */
export class PieceReader implements AsyncDisposable {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next so many bytes, in memory of their own. Rejects when fewer are left. */
  async next(length: number): Promise<Uint8Array> {
    const piece = Buffer.allocUnsafeSlow(length);
    for (let filled = 0; filled < length; ) {
      if (this.#rest.byteLength === 0) {
        const { done, value } = await this.#chunks.next();
        if (done) throw new Error(`the content of a blob ended ${length - filled} bytes early`);
        this.#rest = value;
      }
      const part = this.#rest.subarray(0, length - filled);
      piece.set(part, filled);
      filled += part.byteLength;
      this.#rest = this.#rest.subarray(part.byteLength);
    }
    return piece;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chunks.return?.();
  }
}
