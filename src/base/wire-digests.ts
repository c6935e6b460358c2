import { type Digest, type DigestFunction, digestFunctions, digestProblem } from "./digests.ts";
import { invalidField } from "./errors.ts";

/** A digest as REAPI messages carry it. */
export interface WireDigest {
  readonly hash: string;
  readonly sizeBytes: bigint;
}

function functionByWireValue(value: number): DigestFunction | undefined {
  for (const fn of digestFunctions) if (fn.wireValue === value) return fn;
  return undefined;
}

function functionByLength(hexLength: number): DigestFunction | undefined {
  for (const fn of digestFunctions) if (fn.hexLength === hexLength) return fn;
  return undefined;
}

/**
 * Checks a digest that came in a message. `digestFunctionWireValue` is the request's `digest_function`; 0 (UNKNOWN) means
 * that the length of the hash tells. `field` names the digest in the error: INVALID_ARGUMENT with a BadRequest.
 */
export function toDigest(wire: WireDigest | undefined, digestFunctionWireValue: number, field: string): Digest {
  if (wire === undefined) throw invalidField(field, "a digest is required");
  const fn = digestFunctionWireValue
    ? functionByWireValue(digestFunctionWireValue)
    : functionByLength(wire.hash.length);
  if (fn === undefined && digestFunctionWireValue) {
    throw invalidField("digest_function", `function ${digestFunctionWireValue} is not supported`);
  }
  if (fn === undefined) throw invalidField(field, "the length of the hash belongs to no supported digest function");
  const sizeBytes = Number(wire.sizeBytes);
  const problem = digestProblem(wire.hash, sizeBytes, fn);
  if (problem !== undefined) throw invalidField(field, problem);
  return { fn, hash: wire.hash, sizeBytes };
}

/** The digest as a REAPI message wants it. */
export function fromDigest(digest: Digest): WireDigest {
  return { hash: digest.hash, sizeBytes: BigInt(digest.sizeBytes) };
}
