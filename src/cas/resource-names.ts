import { type Digest, type DigestFunction, digestFunctions, digestProblem } from "../base/digests.ts";
import { invalidArgument } from "../base/errors.ts";
import { RESERVED_SEGMENTS } from "../base/wire-names.ts";

/** What the resource name of a ByteStream call says. */
export interface BlobName {
  /** May be empty and may contain slashes. */
  readonly instance: string;
  /** Of the uncompressed content. */
  readonly digest: Digest;
  /** `identity`, or the second segment of a `compressed-blobs` name as the client wrote it. */
  readonly compressor: string;
  /** The client's uuid, any text without a slash; undefined in a name to read from. */
  readonly uploadId: string | undefined;
}

const SIZE = /^(0|[1-9][0-9]{0,15})$/;
const HASH = /^[0-9a-f]{32,}$/;
const SHOWN_LENGTH = 256;

function malformed(name: string, problem: string): Error {
  const shown = name.length > SHOWN_LENGTH ? `${name.slice(0, SHOWN_LENGTH)}...` : name;
  const text = JSON.stringify(shown);
  return invalidArgument("BAD_RESOURCE_NAME", `resource name ${text}: ${problem}`, { resource_name: text });
}

function functionFor(name: string, segment: string | undefined, hash: string): DigestFunction {
  const fn = digestFunctions.find((each) =>
    segment === undefined ? each.hexLength === hash.length : each.name === segment,
  );
  if (fn) return fn;
  throw malformed(
    name,
    segment === undefined ? "no supported digest function has such a hash" : "unsupported function",
  );
}

interface Tail {
  readonly digest: Digest;
  readonly compressor: string;
  /** Index of the first segment after the size. */
  readonly end: number;
}

/** Reads `blobs/[fn/]hash/size` or `compressed-blobs/compressor/[fn/]hash/size` at index `start`. */
function parseTail(name: string, segments: readonly string[], start: number): Tail {
  let at = start + 1;
  const compressor = segments[start] === "blobs" ? "identity" : (segments[at++] ?? "");
  if (compressor === "") throw malformed(name, "the compressor is missing");
  const named = !HASH.test(segments[at] ?? "") && at + 2 < segments.length ? segments[at++] : undefined;
  const hash = segments[at++] ?? "";
  const size = segments[at++] ?? "";
  const fn = functionFor(name, named, hash);
  const sizeBytes = SIZE.test(size) ? Number(size) : Number.NaN;
  const problem = digestProblem(hash, sizeBytes, fn);
  if (problem !== undefined) throw malformed(name, problem);
  return { digest: { fn, hash, sizeBytes }, compressor, end: at };
}

/**
 * Splits where the instance ends. Reserved words cannot be part of an instance name, so the first one is the first
 * segment behind it, whatever follows.
 */
function splitInstance(name: string): { instance: string; segments: string[]; start: number } {
  const segments = name.split("/");
  const start = segments.findIndex((segment) => RESERVED_SEGMENTS.has(segment));
  if (start < 0) throw malformed(name, "neither `blobs`, `compressed-blobs` nor `uploads` is in it");
  return { instance: segments.slice(0, start).join("/"), segments, start };
}

function isBlobWord(segment: string | undefined): boolean {
  return segment === "blobs" || segment === "compressed-blobs";
}

/**
 * Parses `[<instance>/]blobs/[<fn>/]<hash>/<size>` and `[<instance>/]compressed-blobs/<compressor>/[<fn>/]<hash>/<size>`.
 * Anything else is INVALID_ARGUMENT; a compressor that nobody knows is not an error here.
 */
export function parseReadName(name: string): BlobName {
  const { instance, segments, start } = splitInstance(name);
  if (!isBlobWord(segments[start])) throw malformed(name, `unexpected \`${segments[start]}\``);
  const { digest, compressor, end } = parseTail(name, segments, start);
  if (end !== segments.length) throw malformed(name, "nothing may follow the size");
  return { instance, digest, compressor, uploadId: undefined };
}

/**
 * Parses `[<instance>/]uploads/<uuid>/` followed by a name to read from and, if the client likes, by a slash and anything.
 * Anything else is INVALID_ARGUMENT.
 */
export function parseWriteName(name: string): BlobName {
  const { instance, segments, start } = splitInstance(name);
  const uploadId = segments[start + 1];
  if (segments[start] !== "uploads" || !uploadId) throw malformed(name, "`uploads/<uuid>/` is missing");
  if (!isBlobWord(segments[start + 2])) throw malformed(name, "`blobs` or `compressed-blobs` must follow the uuid");
  const { digest, compressor } = parseTail(name, segments, start + 2);
  return { instance, digest, compressor, uploadId };
}
