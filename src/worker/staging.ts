import { chmod, lutimes, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "../base/digests.ts";
import type { BlobCache } from "./blob-cache.ts";
import { blobName } from "./blob-names.ts";
import type { InputFile, InputTree } from "./input-tree.ts";
import type { Inputs } from "./inputs.ts";
import { makeDirectories, realDirectory } from "./paths.ts";
import { workerTrouble } from "./status.ts";
import { eachLimited } from "./waiting.ts";

const AT_ONCE = 16;
const COPY_TRIES = 3;

/** What has to be in place before a command starts; paths are relative to the root. */
export interface Stage {
  readonly tree: InputTree;
  /** Must be a directory of the tree. */
  readonly workingDirectory: string;
  /** Directories to make for outputs. */
  readonly outputParents: readonly string[];
}

/**
 * Fills `root`, an empty directory given by its real path. Files get mode 0444 or 0555, directories the default, unless
 * the tree says otherwise; times and directory modes are set last, so that read-only directories can be filled.
 */
export async function stageInputs(
  deps: { inputs: Inputs; cache: BlobCache },
  root: string,
  { tree, workingDirectory, outputParents }: Stage,
  signal: AbortSignal,
): Promise<void> {
  await using _held = await deps.inputs.hold(contentsOf(tree), signal);
  for (const level of tree.levels.slice(1)) {
    await eachLimited(level, AT_ONCE, ({ path }) => mkdir(join(root, path)).then(() => signal.throwIfAborted()));
  }
  await eachLimited(tree.files, AT_ONCE, (file) => stageFile(deps, root, file, signal));
  await eachLimited(tree.symlinks, AT_ONCE, async ({ path, target, mtimeMs }) => {
    await symlink(target, join(root, path));
    if (mtimeMs !== undefined) await lutimes(join(root, path), mtimeMs / 1000, mtimeMs / 1000);
  });
  await realDirectory(root, join(root, workingDirectory), workingDirectory, "working_directory");
  for (const parent of outputParents) await makeDirectories(root, parent, "output_paths");
  for (const directory of tree.levels.flat().reverse()) await applyTraits(join(root, directory.path), directory);
}

function contentsOf(tree: InputTree): Digest[] {
  return tree.files.map((file) => file.digest).filter((digest) => digest.sizeBytes > 0);
}

async function stageFile(
  deps: { inputs: Inputs; cache: BlobCache },
  root: string,
  file: InputFile,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const path = join(root, file.path);
  if (file.digest.sizeBytes === 0) await writeFile(path, "", { flag: "wx", mode: 0o444 });
  else await copyFromCache(deps, file.digest, path, signal);
  await applyTraits(path, { mode: file.mode ?? (file.executable ? 0o555 : undefined), mtimeMs: file.mtimeMs });
}

/** Copies a held blob. If it was damaged meanwhile it is fetched again. */
async function copyFromCache(
  deps: { inputs: Inputs; cache: BlobCache },
  digest: Digest,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 0; tries < COPY_TRIES; tries++) {
    if (await deps.cache.copy(digest, path)) return;
    await rm(path, { force: true });
    await using _held = await deps.inputs.hold([digest], signal);
    if (await deps.cache.copy(digest, path)) return;
  }
  throw workerTrouble(`the cached ${blobName(digest)} is being changed by somebody`);
}

async function applyTraits(
  path: string,
  { mode, mtimeMs }: { readonly mode: number | undefined; readonly mtimeMs: number | undefined },
): Promise<void> {
  if (mode !== undefined) await chmod(path, mode);
  if (mtimeMs !== undefined) await lutimes(path, mtimeMs / 1000, mtimeMs / 1000);
}
