import type {
  ActionResult,
  Directory,
  NodeProperties,
  OutputSymlink,
} from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { msOf } from "../format/time.ts";
import { type BlobDigest, NO_DIGEST } from "./resource-names.ts";

interface NodeFacts {
  /** As it is shown: a name, or of an output its path. */
  readonly name: string;
  /** From the root of what is shown, unique there. */
  readonly path: string;
  /** Properties, mode and time, as `unix_mode 0755`. */
  readonly notes: readonly string[];
}

/** A file. Its content may be at hand. */
export interface FileEntry extends NodeFacts {
  readonly kind: "file";
  readonly digest: BlobDigest;
  readonly executable: boolean;
  readonly contents: Uint8Array | undefined;
}

/** Where the content of a directory is: in a Directory, or in the Tree of an output. */
export interface DirectoryAt {
  readonly directory: BlobDigest | undefined;
  readonly tree: BlobDigest | undefined;
}

/** A directory; `at` tells what to read. */
export interface DirectoryEntry extends NodeFacts {
  readonly kind: "directory";
  readonly at: DirectoryAt;
}

/** A symbolic link. */
export interface LinkEntry extends NodeFacts {
  readonly kind: "symlink";
  readonly target: string;
}

/** What a tree of files shows in a row. */
export type FileNode = FileEntry | DirectoryEntry | LinkEntry;

function notesOf(properties: NodeProperties | undefined): string[] {
  if (!properties) return [];
  const mode = properties.unixMode;
  const modified = msOf(properties.mtime);
  return [
    ...(mode === undefined ? [] : [`mode ${mode.toString(8).padStart(4, "0")}`]),
    ...(modified === undefined ? [] : [`modified ${new Date(modified).toISOString()}`]),
    ...properties.properties.map(({ name, value }) => `${name}=${value}`),
  ];
}

/** What is in a directory at a path: directories first, as the message orders them. `tree` where it came from one. */
export function entriesOf(directory: Directory, path: string, tree: BlobDigest | undefined): FileNode[] {
  const place = (name: string) => ({ name, path: path === "" ? name : `${path}/${name}` });
  return [
    ...directory.directories.map(
      ({ name, digest }): FileNode => ({
        ...{ kind: "directory", ...place(name), notes: [] },
        at: { directory: digest ?? NO_DIGEST, tree },
      }),
    ),
    ...directory.files.map(
      ({ name, digest, isExecutable, nodeProperties }): FileNode => ({
        ...{ kind: "file", ...place(name), notes: notesOf(nodeProperties) },
        ...{ digest: digest ?? NO_DIGEST, executable: isExecutable, contents: undefined },
      }),
    ),
    ...directory.symlinks.map(
      ({ name, target, nodeProperties }): FileNode => ({
        ...{ kind: "symlink", ...place(name), notes: notesOf(nodeProperties), target },
      }),
    ),
  ];
}

/** What an action made, by its paths. */
export function outputsOf(result: ActionResult): FileNode[] {
  const links = [...result.outputSymlinks, ...result.outputFileSymlinks, ...result.outputDirectorySymlinks];
  const nodes: FileNode[] = [
    ...result.outputDirectories.map(
      ({ path, treeDigest, rootDirectoryDigest }): FileNode => ({
        ...{ kind: "directory", name: path === "" ? "." : path, path, notes: [] },
        at: { directory: rootDirectoryDigest, tree: treeDigest },
      }),
    ),
    ...result.outputFiles.map(
      ({ path, digest, isExecutable, contents, nodeProperties }): FileNode => ({
        ...{ kind: "file", name: path, path, notes: notesOf(nodeProperties), digest: digest ?? NO_DIGEST },
        ...{ executable: isExecutable, contents: contents.byteLength > 0 ? contents : undefined },
      }),
    ),
    ...uniqueLinks(links).map(
      ({ path, target, nodeProperties }): FileNode => ({
        ...{ kind: "symlink", name: path, path, notes: notesOf(nodeProperties), target },
      }),
    ),
  ];
  return nodes.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** Workers list the same link in an old field as well. */
function uniqueLinks(links: readonly OutputSymlink[]): OutputSymlink[] {
  return [...new Map(links.map((link) => [link.path, link])).values()];
}
