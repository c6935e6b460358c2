import type { FileHandle } from "node:fs/promises";
import { dataLoss, invalidArgument, outOfRange } from "../base/errors.ts";
import type { Range } from "./cas.ts";

/**
 * Largest chunk that a read yields. Above this size throughput gains little and memory per stream grows. With a message
 * around it the chunk stays below a power of two: a byte more, and the encoder's buffer doubles.
 */
export const READ_CHUNK_BYTES = 256 * 1024 - 64;

/** Turns a range into `[start, end)` within a blob. OUT_OF_RANGE for a bad offset, INVALID_ARGUMENT for a bad limit. */
export function resolveRange(range: Range, sizeBytes: number): { start: number; end: number } {
  const { offset, limit } = range;
  if (!(offset >= 0 && offset <= sizeBytes)) {
    throw outOfRange(`offset ${offset} is outside of the blob's ${sizeBytes} bytes`);
  }
  if (limit !== undefined && !(limit >= 0)) {
    throw invalidArgument("BAD_READ_LIMIT", `limit ${limit} is negative`);
  }
  return { start: offset, end: limit === undefined ? sizeBytes : Math.min(sizeBytes, offset + limit) };
}

/** Reads so many bytes into a buffer of their own; DATA_LOSS when the file is shorter. */
export async function readExactly(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(length);
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) throw dataLoss("BLOB_TRUNCATED", "a blob became shorter while it was read");
    filled += bytesRead;
  }
  return buffer;
}

/**
 * Yields the bytes from `start` to `end` of a file and closes it, also when the consumer stops early. One chunk is read
 * ahead while the consumer has the previous one; each chunk is a buffer of its own.
 */
export async function* readChunks(file: FileHandle, start: number, end: number): AsyncGenerator<Uint8Array> {
  const begin = (at: number) => readExactly(file, at, Math.min(READ_CHUNK_BYTES, end - at));
  let ahead: Promise<Uint8Array> | undefined;
  try {
    for (let at = start; at < end; ) {
      const chunk = await (ahead ?? begin(at));
      at += chunk.byteLength;
      ahead = at < end ? begin(at) : undefined;
      ahead?.catch(() => {});
      yield chunk;
    }
  } finally {
    await ahead?.catch(() => {});
    await file.close();
  }
}
