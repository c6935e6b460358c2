import { randomFillSync } from "node:crypto";

const random = new Uint8Array(10 * 256);
let used = random.length;
let lastMs = 0;
let sequence = 0;

function nextRandom(): Uint8Array {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  used += 10;
  return random.subarray(used - 10, used);
}

/**
 * Makes a UUIDv7 (RFC 9562): ids sort by creation, also within one millisecond of one process, because the 12 bits
 * after the time are a counter.
 */
export function newId(nowMs: number = Date.now()): string {
  if (nowMs > lastMs) {
    lastMs = nowMs;
    sequence = 0;
  } else if (++sequence > 0xfff) {
    lastMs++;
    sequence = 0;
  }
  const time = lastMs.toString(16).padStart(12, "0");
  const tail = Buffer.from(nextRandom()).toString("hex");
  const variant = ((Number.parseInt(tail.charAt(0), 16) & 0x3) | 0x8).toString(16);
  const counter = sequence.toString(16).padStart(3, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter}-${variant}${tail.slice(1, 4)}-${tail.slice(4, 16)}`;
}
