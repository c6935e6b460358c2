import { constants, type Stats } from "node:fs";
import { lstat, open, readlink } from "node:fs/promises";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type NodeProperties,
  NodePropertiesSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type Digest, type DigestFunction, digestOf } from "../base/digests.ts";
import { failedPrecondition, type StatusError } from "../base/errors.ts";
import { digestOfStream } from "./blob-names.ts";
import type { BlobSource } from "./blob-stream.ts";
import { systemErrorCode } from "./status.ts";

const CHUNK_BYTES = 256 * 1024;

/** What an action left at one path. */
export type OutputNode =
  | { readonly kind: "file"; readonly stats: Stats }
  | { readonly kind: "directory"; readonly stats: Stats }
  | { readonly kind: "symlink"; readonly stats: Stats; readonly target: string };

/** A file of an action that goes to the CAS. */
export interface OutputContent extends BlobSource {
  readonly executable: boolean;
}

/**
 * Looks at a path without following it; undefined when nothing is there. FAILED_PRECONDITION for anything but a file,
 * a directory or a symbolic link.
 */
export async function lookAt(path: string, shown: string): Promise<OutputNode | undefined> {
  const stats = await lstat(path).catch((error) => {
    if (systemErrorCode(error) === "ENOENT" || systemErrorCode(error) === "ENOTDIR") return undefined;
    throw error;
  });
  if (!stats) return undefined;
  if (stats.isFile()) return { kind: "file", stats };
  if (stats.isDirectory()) return { kind: "directory", stats };
  if (stats.isSymbolicLink()) return { kind: "symlink", stats, target: textOf(await readlink(path, "buffer"), shown) };
  throw unfitOutput(shown, "is neither a file, a directory nor a symbolic link");
}

/** Hashes a file. It is not followed should it have become a symbolic link. */
export async function readOutput(path: string, shown: string, fn: DigestFunction): Promise<OutputContent> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error) => {
      if (systemErrorCode(error) === "EACCES") throw unfitOutput(shown, "cannot be read");
      throw error;
    },
  );
  const stats = await file.stat();
  if (!stats.isFile()) throw unfitOutput(shown, "is no regular file");
  const digest = await digestOfStream(chunksOf(file, 0, Number.MAX_SAFE_INTEGER), fn);
  return { ...fileSource(path, digest), executable: (stats.mode & 0o111) !== 0 };
}

/** A blob in a file that does not change any more. */
export function fileSource(path: string, digest: Digest): BlobSource {
  return {
    digest,
    open: async function* (offset) {
      await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      yield* chunksOf(file, offset, digest.sizeBytes);
    },
  };
}

/** A blob in memory. */
export function bytesSource(data: Uint8Array, fn: DigestFunction): BlobSource {
  return {
    digest: digestOf(data, fn),
    open: async function* (offset) {
      for (let at = offset; at < data.byteLength; at += CHUNK_BYTES) yield data.subarray(at, at + CHUNK_BYTES);
    },
  };
}

async function* chunksOf(file: Awaited<ReturnType<typeof open>>, from: number, end: number) {
  let position = from;
  while (position < end) {
    // A buffer of its own for each chunk: the last one may still be on its way out.
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, end - position));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

/** The properties of a node that the command asked for by `output_node_properties`. */
export function propertiesOf(stats: Stats, wanted: ReadonlySet<string>): NodeProperties | undefined {
  const mtime = wanted.has("mtime") ? timestampFromMs(Math.floor(stats.mtimeMs)) : undefined;
  const unixMode = wanted.has("unix_mode") ? stats.mode & 0o7777 : undefined;
  if (mtime === undefined && unixMode === undefined) return undefined;
  return create(NodePropertiesSchema, { ...(mtime && { mtime }), ...(unixMode !== undefined && { unixMode }) });
}

/** A name or target as text; FAILED_PRECONDITION when it is not UTF-8, which no message can carry. */
export function textOf(bytes: Buffer, shown: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw unfitOutput(shown, `holds a name that is not UTF-8: ${JSON.stringify(bytes.toString("latin1"))}`);
  }
}

/** FAILED_PRECONDITION for an output that cannot be handed over (PreconditionFailure, OUTPUT). */
export function unfitOutput(shown: string, description: string): StatusError {
  return failedPrecondition(`output ${shown || "."} ${description}`, [{ type: "OUTPUT", subject: shown, description }]);
}
