import { frame } from "./frames.ts";

/**
 * The protocol of the echo servers. A request is a gRPC message that begins with pairs of numbers, how many messages of how
 * many bytes are wanted back, and is filled up to the size of the request that it stands in for. An upload is answered by
 * the number of its bytes.
 */
export const echoPaths = {
  unary: "/bench.Echo/Unary",
  download: "/bench.Echo/Download",
  upload: "/bench.Echo/Upload",
} as const;

/** As long as the WriteResponse for a blob of 64 MiB. */
const UPLOAD_ANSWER_BYTES = 5;
const PAIR_BYTES = 8;

/** What stands in for a request of `requestBytes` that is answered by messages of the given sizes. */
export function echoRequest(requestBytes: number, replyBytes: readonly number[]): Buffer {
  const message = Buffer.alloc(requestBytes);
  let at = 0;
  for (const [count, bytes] of runsOf(replyBytes)) {
    if (at + PAIR_BYTES > requestBytes)
      throw new Error(`${requestBytes} bytes cannot ask for ${replyBytes.length} sizes`);
    at = message.writeUInt32BE(bytes, message.writeUInt32BE(count, at));
  }
  return frame(message);
}

/** The sizes of the messages that a request asks for, in order. */
export function* repliesOf(message: Uint8Array): Generator<number, void, undefined> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  for (let at = 0; at + PAIR_BYTES <= message.byteLength; at += PAIR_BYTES) {
    const count = view.getUint32(at);
    const bytes = view.getUint32(at + 4);
    for (let sent = 0; sent < count; sent++) yield bytes;
  }
}

/** The message that answers an upload. */
export function uploadAnswer(receivedBytes: number): Buffer {
  const message = Buffer.alloc(UPLOAD_ANSWER_BYTES);
  message.writeUIntBE(receivedBytes, 0, UPLOAD_ANSWER_BYTES);
  return message;
}

/** Hands out one buffer for each size, so that an echo does not pay for making its answers. */
export function createBuffers(make: (bytes: number) => Buffer): (bytes: number) => Buffer {
  const made = new Map<number, Buffer>();
  return (bytes) => {
    const known = made.get(bytes);
    if (known) return known;
    const fresh = make(bytes);
    made.set(bytes, fresh);
    return fresh;
  };
}

function runsOf(sizes: readonly number[]): [count: number, bytes: number][] {
  const runs: [number, number][] = [];
  for (const bytes of sizes) {
    const last = runs.at(-1);
    if (last?.[1] === bytes) last[0]++;
    else runs.push([1, bytes]);
  }
  return runs;
}
