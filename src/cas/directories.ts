import { setImmediate } from "node:timers/promises";
import { type Directory, DirectorySchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type Digest, digestKey } from "../base/digests.ts";
import { invalidArgument } from "../base/errors.ts";
import { toDigest, type WireDigest } from "../base/wire-digests.ts";
import { createBoundedMap } from "./bounded-map.ts";
import type { Cas } from "./cas.ts";
import { mapLimit } from "./concurrency.ts";
import { readMessage } from "./read-message.ts";

/** Largest Directory message that is read, in bytes: about 80,000 files in one directory. */
export const MAX_DIRECTORY_BYTES = 8 * 1024 * 1024;
/** How many distinct directories one tree may have. */
const MAX_DIRECTORIES = 200_000;
/** How many bytes the distinct Directory messages of one tree may have together. */
const MAX_TREE_BYTES = 256 * 1024 * 1024;
/** How many levels one tree may have; paths of more could not be opened anyway. */
export const MAX_DEPTH = 1000;
const READ_CONCURRENCY = 16;
const CACHED_NODES = 250_000;
const DIRECTORIES_BETWEEN_PAUSES = 1000;

/** What a directory refers to. */
export interface DirectoryLinks {
  readonly directories: readonly Digest[];
  readonly files: readonly Digest[];
  /** How many files, directories and symlinks it has itself. */
  readonly entries: number;
  /** The whole tree below, each directory counted as often as it occurs; undefined until it was computed. */
  expanded: { readonly entries: number; readonly depth: number } | undefined;
}

/** Content never changes under its digest, so one cache serves every CAS of the process. */
const knownLinks = createBoundedMap<DirectoryLinks>(CACHED_NODES);

function checkName(blob: string, name: string, seen: Set<string>): void {
  const bad = name === "" || name === "." || name === ".." || name.includes("/") || name.includes("\0");
  if (!bad && !seen.has(name)) {
    seen.add(name);
    return;
  }
  const problem = bad ? "has a bad name in it" : "has a name twice";
  throw invalidArgument("MALFORMED_DIRECTORY", `directory ${blob} ${problem}: ${JSON.stringify(name.slice(0, 256))}`, {
    blob,
  });
}

function linksOf(digest: Digest, directory: Directory): DirectoryLinks {
  const blob = digestKey(digest);
  const names = new Set<string>();
  const { wireValue } = digest.fn;
  const link = (node: { name: string; digest?: WireDigest | undefined }) => {
    checkName(blob, node.name, names);
    return toDigest(node.digest, wireValue, `directory ${blob}: ${JSON.stringify(node.name)}`);
  };
  const directories = directory.directories.map(link);
  const files = directory.files.map(link);
  for (const symlink of directory.symlinks) checkName(blob, symlink.name, names);
  return { directories, files, entries: names.size, expanded: undefined };
}

/** What a directory refers to, from the cache or else from its blob; undefined when neither has it. */
async function readLinks(cas: Cas, digest: Digest): Promise<DirectoryLinks | undefined> {
  const key = digestKey(digest);
  const known = knownLinks.get(key);
  if (known) return known;
  const directory = await readMessage(cas, DirectorySchema, digest, MAX_DIRECTORY_BYTES);
  if (!directory) return undefined;
  const links = linksOf(digest, directory);
  knownLinks.set(key, links, links.entries + 1);
  return links;
}

/** A directory of a tree, and what it refers to; undefined when its blob is not here. */
export interface VisitedDirectory {
  readonly digest: Digest;
  readonly links: DirectoryLinks | undefined;
}

function tooLarge(root: Digest, what: string): Error {
  const blob = digestKey(root);
  return invalidArgument("TREE_TOO_LARGE", `the tree of directory ${blob} has more than ${what}`, { blob });
}

/** Directories met so far: hash to size. A hash with a second size is a blob that cannot be here. */
export type SeenDirectories = Map<string, number>;

/** Collects the distinct directories of one tree, within the limits. */
class Frontier {
  readonly #root: Digest;
  readonly #seen: SeenDirectories;
  #count = 0;
  #bytes = 0;
  #depth = 0;
  #next: Digest[] = [];

  constructor(root: Digest, seen: SeenDirectories) {
    this.#root = root;
    this.#seen = seen;
    this.add(root);
  }

  add(digest: Digest): void {
    if (this.#seen.get(digest.hash) === digest.sizeBytes) return;
    this.#seen.set(digest.hash, digest.sizeBytes);
    this.#bytes += digest.sizeBytes;
    if (++this.#count > MAX_DIRECTORIES) throw tooLarge(this.#root, `${MAX_DIRECTORIES} directories`);
    if (this.#bytes > MAX_TREE_BYTES) throw tooLarge(this.#root, `${MAX_TREE_BYTES} bytes of directories`);
    this.#next.push(digest);
  }

  /** The directories added since the last call: the next level. */
  take(): Digest[] {
    const level = this.#next;
    this.#next = [];
    if (level.length > 0 && ++this.#depth > MAX_DEPTH) throw tooLarge(this.#root, `${MAX_DEPTH} levels`);
    return level;
  }
}

async function visit(cas: Cas, level: readonly Digest[]): Promise<VisitedDirectory[]> {
  const missing = new Set(await cas.findMissing(level));
  return await mapLimit(level, READ_CONCURRENCY, async (digest) => ({
    digest,
    links: missing.has(digest) ? undefined : await readLinks(cas, digest),
  }));
}

/**
 * Visits each distinct directory of a tree once, level by level; it counts as used. Directories in `seen` are passed over, so
 * that several trees are visited as one. INVALID_ARGUMENT for a malformed directory and for a tree beyond the limits.
 */
export async function* visitTree(
  cas: Cas,
  root: Digest,
  seen: SeenDirectories = new Map(),
): AsyncGenerator<VisitedDirectory[]> {
  const frontier = new Frontier(root, seen);
  let sincePause = 0;
  for (let level = frontier.take(); level.length > 0; level = frontier.take()) {
    const visited = await visit(cas, level);
    for (const { links } of visited) for (const child of links?.directories ?? []) frontier.add(child);
    yield visited;
    sincePause += visited.length;
    if (sincePause < DIRECTORIES_BETWEEN_PAUSES) continue;
    // All of it may come from caches, and other requests want their turn.
    await setImmediate();
    sincePause = 0;
  }
}
