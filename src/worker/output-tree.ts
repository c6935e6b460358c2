import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type Directory,
  DirectoryNodeSchema,
  DirectorySchema,
  FileNodeSchema,
  SymlinkNodeSchema,
  TreeSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type Digest, type DigestFunction, digestKey } from "../base/digests.ts";
import { fromDigest } from "../base/wire-digests.ts";
import type { BlobSource } from "./blob-stream.ts";
import { bytesSource, lookAt, propertiesOf, readOutput, textOf, unfitOutput } from "./output-node.ts";
import { eachLimited } from "./waiting.ts";

const FILES_AT_ONCE = 8;

/** How outputs are to be taken. */
export interface CollectOptions {
  readonly fn: DigestFunction;
  /** Names of node properties to record. */
  readonly nodeProperties: ReadonlySet<string>;
  /** Receives each blob that has to be uploaded. */
  readonly upload: (source: BlobSource) => void;
  readonly signal: AbortSignal;
}

/** An output directory as messages, equal directories once. */
export interface OutputTree {
  readonly root: DirectoryBlob;
  /** Parents before children, the root not among them. */
  readonly children: readonly DirectoryBlob[];
}

/** A Directory message and its encoding. */
export interface DirectoryBlob {
  readonly message: Directory;
  readonly source: BlobSource;
}

/** Reads a directory that an action left. Its files are handed to `upload`, its directories are not. */
export async function readTree(path: string, shown: string, options: CollectOptions): Promise<OutputTree> {
  const finished = new Map<string, DirectoryBlob>();
  const rootDigest = await readDirectory(path, shown, options, finished);
  // Children finish before their parents, so the reverse is a topological order, also for directories seen twice.
  const [root, ...children] = [...finished.values()].reverse();
  if (!root || digestKey(root.source.digest) !== digestKey(rootDigest)) throw new Error("the root is read last");
  return { root, children };
}

/** The Tree message of a directory. */
export function treeBlob({ root, children }: OutputTree, fn: DigestFunction): BlobSource {
  const tree = create(TreeSchema, { root: root.message, children: children.map((child) => child.message) });
  return bytesSource(toBinary(TreeSchema, tree), fn);
}

async function readDirectory(
  path: string,
  shown: string,
  options: CollectOptions,
  finished: Map<string, DirectoryBlob>,
): Promise<Digest> {
  const self = await lookAt(path, shown);
  if (!self) throw unfitOutput(shown, "went away while it was read");
  const message = create(DirectorySchema, { nodeProperties: propertiesOf(self.stats, options.nodeProperties) });
  const names = (await readdir(path, { encoding: "buffer" })).map((name) => textOf(name, shown));
  const directories: string[] = [];
  await eachLimited(names, FILES_AT_ONCE, async (name) => {
    options.signal.throwIfAborted();
    const isDirectory = await addLeaf(message, name, join(path, name), `${shown}/${name}`, options);
    if (isDirectory) directories.push(name);
  });
  for (const name of directories) {
    const digest = await readDirectory(join(path, name), `${shown}/${name}`, options, finished);
    message.directories.push(create(DirectoryNodeSchema, { name, digest: fromDigest(digest) }));
  }
  for (const nodes of [message.files, message.symlinks, message.directories]) nodes.sort(byName);
  const source = bytesSource(toBinary(DirectorySchema, message), options.fn);
  const key = digestKey(source.digest);
  if (!finished.has(key)) finished.set(key, { message, source });
  return source.digest;
}

/** Adds a file or a symbolic link to its directory; answers true for a directory, which it leaves to the caller. */
async function addLeaf(
  message: Directory,
  name: string,
  path: string,
  shown: string,
  options: CollectOptions,
): Promise<boolean> {
  const node = await lookAt(path, shown);
  if (!node) throw unfitOutput(shown, "went away while it was read");
  if (node.kind === "directory") return true;
  const nodeProperties = propertiesOf(node.stats, options.nodeProperties);
  if (node.kind === "symlink") {
    message.symlinks.push(create(SymlinkNodeSchema, { name, target: node.target, nodeProperties }));
    return false;
  }
  const content = await readOutput(path, shown, options.fn);
  options.upload(content);
  const digest = fromDigest(content.digest);
  message.files.push(create(FileNodeSchema, { name, digest, isExecutable: content.executable, nodeProperties }));
  return false;
}

/** The order of Directory entries: by the bytes of the name. */
function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));
}
