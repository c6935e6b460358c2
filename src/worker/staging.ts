import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { lutimes, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "../base/digests.ts";
import type { BlobCache } from "./blob-cache.ts";
import { blobName } from "./blob-names.ts";
import type { InputFile, InputTree } from "./input-tree.ts";
import type { Inputs } from "./inputs.ts";
import { makeDirectories, realDirectory } from "./paths.ts";
import { workerTrouble } from "./status.ts";
import { eachLimited, yieldTurn } from "./waiting.ts";

const AT_ONCE = 4;
const TURN = 32;
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
  await inTurns(tree.levels.slice(1).flat(), signal, async ({ path }) => mkdirSync(join(root, path)));
  await inTurns(tree.files, signal, (file) => stageFile(deps, root, file, signal));
  await inTurns(tree.symlinks, signal, async ({ path, target, mtimeMs }) => {
    symlinkSync(target, join(root, path));
    if (mtimeMs !== undefined) await lutimes(join(root, path), mtimeMs / 1000, mtimeMs / 1000);
  });
  await realDirectory(root, join(root, workingDirectory), workingDirectory, "working_directory");
  for (const parent of outputParents) await makeDirectories(root, parent, "output_paths");
  await inTurns(tree.levels.flat().reverse(), signal, async ({ path, mode, mtimeMs }) => {
    await applyTraits(join(root, path), mode, mtimeMs);
  });
}

/**
 * Visits items, large files side by side and the rest one after the other by synchronous calls, which cost a fraction of
 * asynchronous ones. The rest of the process gets its turn in between.
 */
async function inTurns<T>(items: readonly T[], signal: AbortSignal, visit: (item: T) => Promise<void>): Promise<void> {
  let visited = 0;
  await eachLimited(items, AT_ONCE, async (item) => {
    if (++visited % TURN === 0) await yieldTurn();
    signal.throwIfAborted();
    await visit(item);
  });
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
  const path = join(root, file.path);
  if (file.digest.sizeBytes === 0) writeFileSync(path, "", { flag: "wx", mode: 0o444 });
  else await copyFromCache(deps, file.digest, path, signal);
  await applyTraits(path, file.mode ?? (file.executable ? 0o555 : undefined), file.mtimeMs);
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

async function applyTraits(path: string, mode: number | undefined, mtimeMs: number | undefined): Promise<void> {
  if (mode !== undefined) chmodSync(path, mode);
  if (mtimeMs !== undefined) await lutimes(path, mtimeMs / 1000, mtimeMs / 1000);
}
