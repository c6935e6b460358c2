import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { type QueryClient, queryOptions, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { DirectorySchema } from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { byteStream } from "../api/clients.ts";
import { failureOf } from "../api/failure.ts";
import { type BlobSource, blobSource, inlineSource, readWhole } from "./blob-source.ts";
import { type DirectoryAt, entriesOf, type FileNode } from "./file-node.ts";
import { type BlobDigest, type BlobHome, NO_DIGEST, readName } from "./resource-names.ts";
import { sha256 } from "./sha256.ts";
import { type OutputTree, readTree } from "./tree-message.ts";

/** Messages that are larger are not shown. */
const LARGEST_MESSAGE = 64 * 1024 * 1024;
/** Those that the page has left are forgotten soon, as they may be large. */
const KEPT_MS = 60_000;

function blobQuery<T>(kind: string, home: BlobHome, digest: BlobDigest, decode: (bytes: Uint8Array) => T) {
  return queryOptions({
    queryKey: ["blob", kind, readName(home, digest)],
    queryFn: async ({ signal }): Promise<T> => decode(await readWhole(sourceOf(home, digest), LARGEST_MESSAGE, signal)),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: KEPT_MS,
    structuralSharing: false,
    retry: (failures, error) =>
      failures < 2 && failureOf(error).passing && failureOf(error).code !== "RESOURCE_EXHAUSTED",
  });
}

function sourceOf(home: BlobHome, digest: BlobDigest): BlobSource {
  return blobSource(byteStream.read.bind(byteStream), home, digest);
}

/** A blob of the CAS, or bytes that are at hand; the same object as long as it is the same blob. */
export function useBlobSource(home: BlobHome, digest: BlobDigest): BlobSource {
  const { instance, digestFunction } = home;
  const { hash, sizeBytes } = digest;
  return useMemo(
    () => sourceOf({ instance, digestFunction }, { hash, sizeBytes }),
    [instance, digestFunction, hash, sizeBytes],
  );
}

/** What a result has of stdout or stderr: the bytes themselves, or the digest of a blob. */
export interface Written {
  readonly raw: Uint8Array;
  readonly digest: BlobDigest | undefined;
}

/** What a command wrote; the same object as long as it is the same. */
export function useWritten(home: BlobHome, { raw, digest }: Written): BlobSource {
  const stored = useBlobSource(home, digest ?? NO_DIGEST);
  return useMemo(() => (raw.byteLength > 0 || !digest ? inlineSource(raw) : stored), [raw, digest, stored]);
}

/** A message of the CAS; nothing is asked for without a digest. */
export function useBlobMessage<D extends DescMessage>(schema: D, home: BlobHome, digest: BlobDigest | undefined) {
  const decode = (bytes: Uint8Array): MessageShape<D> => fromBinary(schema, bytes);
  return useQuery({ ...blobQuery(schema.typeName, home, digest ?? NO_DIGEST, decode), enabled: digest !== undefined });
}

/** What is in a directory at a path. */
export async function readEntries(
  queries: QueryClient,
  home: BlobHome,
  { path, at }: { readonly path: string; readonly at: DirectoryAt },
): Promise<FileNode[]> {
  const { directory, tree } = at;
  const read = (digest: BlobDigest) =>
    queries.fetchQuery(blobQuery("directory", home, digest, (bytes) => fromBinary(DirectorySchema, bytes)));
  if (!tree) return directory ? entriesOf(await read(directory), path, undefined) : [];
  const known: OutputTree | undefined = await queries
    .fetchQuery(blobQuery("tree", home, tree, (bytes) => readTree(bytes, sha256)))
    .catch((error: unknown) => {
      // Some workers upload the directories too.
      if (directory) return undefined;
      throw error;
    });
  const found = directory && known ? known.child(directory.hash) : known?.root;
  if (found) return entriesOf(found, path, tree);
  return directory ? entriesOf(await read(directory), path, tree) : [];
}
