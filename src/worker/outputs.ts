import { stat } from "node:fs/promises";
import { create } from "@bufbuild/protobuf";
import {
  type ActionResult,
  type Command,
  DigestSchema,
  Command_OutputDirectoryFormat as Format,
  OutputDirectorySchema,
  OutputFileSchema,
  OutputSymlinkSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { fromDigest } from "../base/wire-digests.ts";
import { lookAt, type OutputNode, propertiesOf, readOutput, unfitOutput } from "./output-node.ts";
import { type CollectOptions, readTree, treeBlob } from "./output-tree.ts";
import { joinInside, locateOutput } from "./paths.ts";
import { systemErrorCode } from "./status.ts";

/** One output that a Command names. */
export interface WantedOutput {
  /** As it stands in the Command, and goes into the result. */
  readonly path: string;
  /** The same, relative to the input root. */
  readonly place: string;
  readonly field: "output_paths" | "output_files" | "output_directories";
}

/**
 * The outputs of a Command: `output_paths`, or when there are none the two fields from before REAPI 2.1.
 * INVALID_ARGUMENT for a path that leaves the input root.
 */
export function wantedOutputs(command: Command, workingDirectory: string): WantedOutput[] {
  const all = (field: WantedOutput["field"], paths: readonly string[]): WantedOutput[] =>
    [...new Set(paths)].map((path) => ({ path, place: joinInside(workingDirectory, path, field), field }));
  if (command.outputPaths.length > 0) return all("output_paths", command.outputPaths);
  return [...all("output_files", command.outputFiles), ...all("output_directories", command.outputDirectories)];
}

/** The directories that have to be there before the command starts. */
export function outputParents(outputs: readonly WantedOutput[]): string[] {
  const parents = outputs.map(({ place }) => place.slice(0, Math.max(0, place.lastIndexOf("/"))));
  return [...new Set(parents)].filter((parent) => parent !== "");
}

/**
 * Records in `result` what the command left of its outputs; what is missing is left out. FAILED_PRECONDITION for one
 * that cannot be handed over, INVALID_ARGUMENT for one that lies outside of the input root.
 */
export async function collectOutputs(
  result: ActionResult,
  root: string,
  command: Command,
  outputs: readonly WantedOutput[],
  options: CollectOptions,
): Promise<void> {
  for (const wanted of outputs) {
    options.signal.throwIfAborted();
    const path = await locateOutput(root, wanted.place, wanted.field);
    const node = path === undefined ? undefined : await lookAt(path, wanted.path);
    if (path === undefined || !node) continue;
    if (node.kind === "symlink") await addSymlink(result, path, wanted, node, options);
    else if (node.kind === "file") await addFile(result, path, wanted, node, options);
    else await addDirectory(result, path, wanted, command.outputDirectoryFormat, options);
  }
}

async function addFile(
  result: ActionResult,
  path: string,
  { path: shown, field }: WantedOutput,
  node: OutputNode,
  options: CollectOptions,
): Promise<void> {
  if (field === "output_directories") throw unfitOutput(shown, "is a file and should be a directory");
  const content = await readOutput(path, shown, options.fn);
  options.upload(content);
  result.outputFiles.push(
    create(OutputFileSchema, {
      path: shown,
      digest: fromDigest(content.digest),
      isExecutable: content.executable,
      nodeProperties: propertiesOf(node.stats, options.nodeProperties),
    }),
  );
}

async function addDirectory(
  result: ActionResult,
  path: string,
  { path: shown, field }: WantedOutput,
  format: Format,
  options: CollectOptions,
): Promise<void> {
  if (field === "output_files") throw unfitOutput(shown, "is a directory and should be a file");
  const tree = await readTree(path, shown, options);
  const directory = create(OutputDirectorySchema, { path: shown });
  if (format !== Format.DIRECTORY_ONLY) {
    const blob = treeBlob(tree, options.fn);
    options.upload(blob);
    directory.treeDigest = create(DigestSchema, fromDigest(blob.digest));
    directory.isTopologicallySorted = true;
  }
  if (format !== Format.TREE_ONLY) {
    for (const { source } of [tree.root, ...tree.children]) options.upload(source);
    directory.rootDirectoryDigest = create(DigestSchema, fromDigest(tree.root.source.digest));
  }
  result.outputDirectories.push(directory);
}

async function addSymlink(
  result: ActionResult,
  path: string,
  { path: shown, field }: WantedOutput,
  node: OutputNode & { kind: "symlink" },
  options: CollectOptions,
): Promise<void> {
  const nodeProperties = propertiesOf(node.stats, options.nodeProperties);
  const symlink = create(OutputSymlinkSchema, { path: shown, target: node.target, nodeProperties });
  result.outputSymlinks.push(symlink);
  if (field === "output_paths") return;
  const wantsDirectory = field === "output_directories";
  const isDirectory = await leadsToDirectory(path, wantsDirectory);
  if (isDirectory !== wantsDirectory) {
    throw unfitOutput(
      shown,
      `is a symbolic link to a ${isDirectory ? "directory" : "file"}, which ${field} does not ask for`,
    );
  }
  (wantsDirectory ? result.outputDirectorySymlinks : result.outputFileSymlinks).push(symlink);
}

/** Whether a link leads to a directory; `ifDangling` when it leads nowhere. */
async function leadsToDirectory(path: string, ifDangling: boolean): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return ifDangling;
  }
}
