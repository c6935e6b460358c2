import { fromBinary } from "@bufbuild/protobuf";
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  DirectorySchema,
  type NodeProperties,
  type Directory as WireDirectory,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type Digest, digestKey } from "../base/digests.ts";
import { invalidArgument, type StatusError } from "../base/errors.ts";
import { toDigest } from "../base/wire-digests.ts";
import { blobName } from "./blob-names.ts";
import type { Inputs } from "./inputs.ts";
import { nameProblem } from "./paths.ts";

const MAX_ENTRIES = 1_000_000;
const MAX_PATH_LENGTH = 4096;
const MAX_KNOWN_BYTES = 32 * 2 ** 20;

/** What a node asks for beside its content. */
export interface NodeTraits {
  /** Permission bits; undefined for the default of its kind. */
  readonly mode: number | undefined;
  /** Milliseconds since the epoch; undefined for the time of staging. */
  readonly mtimeMs: number | undefined;
}

/** A directory below the input root; "" is the root. */
export interface InputDirectory extends NodeTraits {
  readonly path: string;
}

/** A file below the input root. */
export interface InputFile extends NodeTraits {
  readonly path: string;
  readonly digest: Digest;
  readonly executable: boolean;
}

/** A symbolic link below the input root, its target as it was given. */
export interface InputSymlink {
  readonly path: string;
  readonly target: string;
  readonly mtimeMs: number | undefined;
}

/** An input root, flat. No path of it runs through a symbolic link of it. */
export interface InputTree {
  /** By depth; the first level holds the root alone. */
  readonly levels: readonly (readonly InputDirectory[])[];
  readonly files: readonly InputFile[];
  readonly symlinks: readonly InputSymlink[];
}

/** Fetches input roots of one instance. */
export interface InputTrees {
  /**
   * Loads a tree, level by level. FAILED_PRECONDITION for missing directories; INVALID_ARGUMENT for one that is
   * malformed or holds a name that is not a plain file name or occurs twice.
   */
  fetch(root: Digest, signal: AbortSignal): Promise<InputTree>;
}

/** A directory that was checked. Children of equal content are one object. */
interface Directory extends NodeTraits {
  readonly bytes: number;
  readonly children: readonly { readonly name: string; readonly digest: Digest }[];
  readonly files: readonly InputFile[];
  readonly symlinks: readonly InputSymlink[];
}

/** Makes the loader; it remembers the directories that it saw last, in memory. */
export function createInputTrees(inputs: Inputs): InputTrees {
  const known = new Map<string, Directory>();
  let knownBytes = 0;

  async function fetch(root: Digest, signal: AbortSignal): Promise<InputTree> {
    const levels: InputDirectory[][] = [];
    const files: InputFile[] = [];
    const symlinks: InputSymlink[] = [];
    let entries = 0;
    let level = [{ path: "", digest: root }];
    while (level.length > 0) {
      const directories = await load(
        level.map(({ digest }) => digest),
        signal,
      );
      const next: typeof level = [];
      const made: InputDirectory[] = [];
      for (const { path, digest } of level) {
        const directory = directories.get(digestKey(digest)) as Directory;
        // Equal directories may be listed many times over, so that a small tree unfolds into a huge one.
        entries += 1 + directory.files.length + directory.symlinks.length + directory.children.length;
        if (entries > MAX_ENTRIES) throw tooLarge(`more than ${MAX_ENTRIES} inputs`);
        if (path.length > MAX_PATH_LENGTH) throw tooLarge(`a path has more than ${MAX_PATH_LENGTH} characters`);
        const prefix = path === "" ? "" : `${path}/`;
        made.push({ path, mode: directory.mode, mtimeMs: directory.mtimeMs });
        for (const file of directory.files) files.push({ ...file, path: prefix + file.path });
        for (const link of directory.symlinks) symlinks.push({ ...link, path: prefix + link.path });
        for (const child of directory.children) next.push({ path: prefix + child.name, digest: child.digest });
      }
      levels.push(made);
      level = next;
    }
    return { levels, files, symlinks };
  }

  async function load(digests: readonly Digest[], signal: AbortSignal): Promise<Map<string, Directory>> {
    const loaded = new Map<string, Directory>();
    const wanted: Digest[] = [];
    for (const digest of digests) {
      const directory = known.get(digestKey(digest));
      if (directory) loaded.set(digestKey(digest), directory);
      else wanted.push(digest);
    }
    const contents = await inputs.read(wanted, signal);
    for (const digest of wanted) {
      const key = digestKey(digest);
      if (loaded.has(key)) continue;
      const directory = parseDirectory(digest, contents.get(key) as Uint8Array);
      loaded.set(key, directory);
      remember(key, directory);
    }
    return loaded;
  }

  function remember(key: string, directory: Directory): void {
    known.set(key, directory);
    knownBytes += directory.bytes;
    for (const [oldKey, old] of known) {
      if (knownBytes <= MAX_KNOWN_BYTES) return;
      known.delete(oldKey);
      knownBytes -= old.bytes;
    }
  }

  return { fetch };
}

function parseDirectory(digest: Digest, content: Uint8Array): Directory {
  const shown = blobName(digest);
  const wire = decode(shown, content);
  const names = new Set<string>();
  for (const { name } of [...wire.files, ...wire.directories, ...wire.symlinks]) {
    const problem =
      nameProblem(name) ?? (names.has(name) ? `the name ${JSON.stringify(name)} occurs twice` : undefined);
    if (problem) throw malformed(shown, problem);
    names.add(name);
  }
  return {
    ...traitsOf(wire.nodeProperties),
    bytes: content.byteLength + 64,
    children: wire.directories.map((node) => ({
      name: node.name,
      digest: toDigest(node.digest, 0, `${shown} ${node.name}`),
    })),
    files: wire.files.map((node) => ({
      ...traitsOf(node.nodeProperties),
      path: node.name,
      digest: toDigest(node.digest, 0, `${shown} ${node.name}`),
      executable: node.isExecutable,
    })),
    symlinks: wire.symlinks.map(({ name, target, nodeProperties }) => {
      if (target === "" || target.includes("\0"))
        throw malformed(shown, `the target of symlink ${name} is empty or holds a NUL`);
      return { path: name, target, mtimeMs: traitsOf(nodeProperties).mtimeMs };
    }),
  };
}

function decode(shown: string, content: Uint8Array): WireDirectory {
  try {
    return fromBinary(DirectorySchema, content);
  } catch {
    throw malformed(shown, "it does not parse");
  }
}

function tooLarge(problem: string): StatusError {
  return invalidArgument("INPUT_ROOT_TOO_LARGE", `input root: ${problem}`);
}

function malformed(shown: string, problem: string): StatusError {
  return invalidArgument("MALFORMED_DIRECTORY", `directory ${shown}: ${problem}`);
}

function traitsOf(properties: NodeProperties | undefined): NodeTraits {
  const mode = properties?.unixMode;
  return { mode: mode === undefined ? undefined : mode & 0o777, mtimeMs: mtimeOf(properties?.mtime) };
}

function mtimeOf(mtime: Timestamp | undefined): number | undefined {
  return mtime && timestampMs(mtime);
}
