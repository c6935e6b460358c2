import { type Directory, DirectorySchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type Digest, digestKey } from "../base/digests.ts";
import { notFound } from "../base/errors.ts";
import type { Cas } from "./cas.ts";
import { mapLimit } from "./concurrency.ts";
import { MAX_DIRECTORY_BYTES, visitTree } from "./directories.ts";
import { readMessage } from "./read-message.ts";

const PAGE_BYTES = 1024 * 1024;
const READ_CONCURRENCY = 16;

/** Which part of a tree, in which portions. */
export interface TreeOptions {
  /** Most directories in one page. */
  readonly pageSize: number;
  /** Directories of earlier pages; the order is the same as long as no blob of the tree comes or goes. Default 0. */
  readonly skip?: number;
}

/** Cuts at `pageSize` directories or about a mebibyte. */
function* pages(digests: readonly Digest[], pageSize: number): Generator<Digest[]> {
  let page: Digest[] = [];
  let bytes = 0;
  for (const digest of digests) {
    if (page.length === pageSize || (page.length > 0 && bytes + digest.sizeBytes > PAGE_BYTES)) {
      yield page;
      page = [];
      bytes = 0;
    }
    page.push(digest);
    bytes += digest.sizeBytes;
  }
  if (page.length > 0) yield page;
}

/**
 * The directories of a tree, level by level from the root, each distinct one once. Those that are not here are left out; a
 * missing root is NOT_FOUND. INVALID_ARGUMENT for a malformed directory and for a tree beyond the limits.
 */
export async function* tree(cas: Cas, root: Digest, options: TreeOptions): AsyncGenerator<Directory[]> {
  let skip = options.skip ?? 0;
  for await (const level of visitTree(cas, root)) {
    const here = level.filter(({ links }) => links !== undefined).map(({ digest }) => digest);
    if (here.length === 0 && level[0]?.digest === root) throw notFound("blob", `blobs/${digestKey(root)}`);
    const wanted = here.slice(skip);
    skip -= here.length - wanted.length;
    for (const page of pages(wanted, options.pageSize)) {
      const read = (digest: Digest) => readMessage(cas, DirectorySchema, digest, MAX_DIRECTORY_BYTES);
      const directories = await mapLimit(page, READ_CONCURRENCY, read);
      yield directories.filter((directory) => directory !== undefined);
    }
  }
}
