import { createHash } from "node:crypto";

/** An incremental hash computation. */
export interface Hasher {
  update(chunk: Uint8Array): void;
  /** Lower-case hexadecimal; ends the computation. */
  hex(): string;
}

/** One way to name content. `name` is the lower-case REAPI enum name, as it stands in resource names and in paths. */
export interface DigestFunction {
  readonly name: string;
  /** Value of `build.bazel.remote.execution.v2.DigestFunction.Value`. */
  readonly wireValue: number;
  readonly hexLength: number;
  createHasher(): Hasher;
}

/** Content named by its hash and size. The function is part of the name, so no caller passes it beside. */
export interface Digest {
  readonly fn: DigestFunction;
  /** Lower-case hexadecimal of `fn.hexLength` characters. */
  readonly hash: string;
  readonly sizeBytes: number;
}

/** SHA-256, the default of every REAPI client. */
export const sha256: DigestFunction = {
  name: "sha256",
  wireValue: 1,
  hexLength: 64,
  createHasher: () => {
    const hash = createHash("sha256");
    return { update: (chunk) => void hash.update(chunk), hex: () => hash.digest("hex") };
  },
};

/** The functions that this build serves, the default one first. */
export const digestFunctions: readonly DigestFunction[] = [sha256];

/** The digest of bytes at hand. */
export function digestOf(data: Uint8Array, fn: DigestFunction = sha256): Digest {
  const hasher = fn.createHasher();
  hasher.update(data);
  return { fn, hash: hasher.hex(), sizeBytes: data.byteLength };
}

/** True when both name the same content. */
export function sameDigest(a: Digest, b: Digest): boolean {
  return a.hash === b.hash && a.sizeBytes === b.sizeBytes && a.fn === b.fn;
}

/** A text that is unique for the content: `hash/size` for the default function, `function/hash/size` for others. */
export function digestKey(digest: Digest): string {
  const plain = `${digest.hash}/${digest.sizeBytes}`;
  return digest.fn === sha256 ? plain : `${digest.fn.name}/${plain}`;
}

const HEX = /^[0-9a-f]+$/;

/** Says what is wrong with a hash and a size that came from outside, or undefined when they form a digest of `fn`. */
export function digestProblem(hash: string, sizeBytes: number, fn: DigestFunction): string | undefined {
  if (hash.length !== fn.hexLength || !HEX.test(hash)) {
    return `hash must be ${fn.hexLength} lower-case hexadecimal characters for ${fn.name}`;
  }
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) return "size must be a whole number, 0 or more";
  return undefined;
}
