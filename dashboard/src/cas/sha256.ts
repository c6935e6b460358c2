const K = Uint32Array.from({ length: 64 }, (_, index) => fraction(Math.cbrt(prime(index))));
const START = Uint32Array.from({ length: 8 }, (_, index) => fraction(Math.sqrt(prime(index))));

function fraction(value: number): number {
  return Math.floor((value - Math.floor(value)) * 2 ** 32);
}

function prime(index: number): number {
  const found: number[] = [];
  for (let candidate = 2; found.length <= index; candidate += 1) {
    if (found.every((each) => candidate % each !== 0)) found.push(candidate);
  }
  return found[index] as number;
}

const rotate = (value: number, by: number) => (value >>> by) | (value << (32 - by));

/** The message with its end mark and its length. */
function padded(bytes: Uint8Array): DataView {
  const length = (Math.floor((bytes.byteLength + 8) / 64) + 1) * 64;
  const out = new Uint8Array(length);
  out.set(bytes);
  out[bytes.byteLength] = 0x80;
  const view = new DataView(out.buffer);
  view.setUint32(length - 8, Math.floor(bytes.byteLength / 2 ** 29));
  view.setUint32(length - 4, (bytes.byteLength * 8) % 2 ** 32);
  return view;
}

/**
 * SHA-256 in lower-case hexadecimal. Browsers have one of their own, but not on pages that came without TLS from another
 * machine.
 */
export function sha256(bytes: Uint8Array): string {
  const view = padded(bytes);
  const state = START.slice();
  const words = new Uint32Array(64);
  for (let block = 0; block < view.byteLength; block += 64) {
    for (let at = 0; at < 16; at += 1) words[at] = view.getUint32(block + 4 * at);
    mix(state, words);
  }
  return Array.from(state, (word) => word.toString(16).padStart(8, "0")).join("");
}

function mix(state: Uint32Array, w: Uint32Array): void {
  const word = (at: number) => w[at] as number;
  for (let at = 16; at < 64; at += 1) {
    const near = word(at - 15);
    const far = word(at - 2);
    const low = rotate(near, 7) ^ rotate(near, 18) ^ (near >>> 3);
    const high = rotate(far, 17) ^ rotate(far, 19) ^ (far >>> 10);
    w[at] = word(at - 16) + low + word(at - 7) + high;
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
  for (let at = 0; at < 64; at += 1) {
    const choice = (e & f) ^ (~e & g);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const first = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + choice + (K[at] as number) + word(at)) | 0;
    const second = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  for (const [at, value] of [a, b, c, d, e, f, g, h].entries()) state[at] = (state[at] as number) + value;
}
