import { createHash, type Hash, randomFillSync, randomUUID } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { WriteRequestSchema } from "../gen/google/bytestream/bytestream_pb.ts";
import { frame } from "./frames.ts";

/** One blob, ready to be written. */
export interface UploadBlob {
  /** `<instance>/blobs/<hash>/<size>`. */
  readonly readName: string;
  /** The frames of a ByteStream.Write. */
  readonly frames: readonly Buffer[];
}

const MESSAGE_BYTES = 64 * 1024;
const MARK_BYTES = 16;

/**
 * Makes blobs of one size that differ in their last bytes only, so that hash and frames cost next to nothing while the
 * time is taken.
 */
export function createBlobMaker(instance: string, sizeBytes: number): () => UploadBlob {
  const content = randomFillSync(Buffer.allocUnsafe(sizeBytes));
  const begun = createHash("sha256").update(content.subarray(0, sizeBytes - MARK_BYTES));
  const lastOffset = sizeBytes - MESSAGE_BYTES;
  const middle: Buffer[] = [];
  for (let offset = MESSAGE_BYTES; offset < lastOffset; offset += MESSAGE_BYTES) {
    middle.push(writeFrame({ offset, data: content.subarray(offset, offset + MESSAGE_BYTES) }));
  }
  return () => {
    const last = Buffer.from(content.subarray(lastOffset));
    randomFillSync(last, MESSAGE_BYTES - MARK_BYTES);
    const blob = `blobs/${hashOf(begun, last)}/${sizeBytes}`;
    const resourceName = `${instance}/uploads/${randomUUID()}/${blob}`;
    const first = writeFrame({ resourceName, offset: 0, data: content.subarray(0, MESSAGE_BYTES) });
    const end = writeFrame({ offset: lastOffset, data: last, finishWrite: true });
    return { readName: `${instance}/${blob}`, frames: [first, ...middle, end] };
  };
}

function hashOf(begun: Hash, last: Buffer): string {
  return begun
    .copy()
    .update(last.subarray(MESSAGE_BYTES - MARK_BYTES))
    .digest("hex");
}

function writeFrame(part: { resourceName?: string; offset: number; data: Buffer; finishWrite?: boolean }): Buffer {
  const { resourceName = "", offset, data, finishWrite = false } = part;
  const request = create(WriteRequestSchema, { resourceName, writeOffset: BigInt(offset), finishWrite, data });
  return frame(toBinary(WriteRequestSchema, request));
}
