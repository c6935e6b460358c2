import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type ActionResult,
  ActionResultSchema,
  type Directory,
  type OutputDirectory,
  TreeSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { Clock } from "../base/clock.ts";
import { type Digest, digestKey } from "../base/digests.ts";
import { Code, StatusError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { toDigest } from "../base/wire-digests.ts";
import type { Store } from "../store/store.ts";
import { missingInputs } from "./action-inputs.ts";
import { createBoundedMap } from "./bounded-map.ts";
import type { Cas } from "./cas.ts";
import { readMessage } from "./read-message.ts";

/** The results of actions of one instance. */
export interface ActionCache {
  /** The result of an action, if there is one and all that it refers to is still in the CAS, which counts as a use. */
  get(action: Digest): Promise<ActionResult | undefined>;
  /** Keeps a result, in place of an older one; what it refers to is looked at by `get`. */
  put(action: Digest, result: ActionResult): Promise<void>;
}

/** What an action cache works on. */
export interface ActionCacheDeps {
  readonly store: Pick<Store, "getActionResult" | "putActionResult" | "deleteActionResult" | "pruneActionResults">;
  readonly cas: Cas;
  readonly instance: string;
  readonly clock: Clock;
  /** How many results are kept, the most recently used; pruned now and then, so a few more may be there. */
  readonly maxEntries: number;
  readonly log: Logger;
}

const MAX_TREE_BYTES = 64 * 1024 * 1024;
const CACHED_TREE_FILES = 250_000;
const CALLS_BETWEEN_PRUNES = 1000;

/** Content never changes under its digest, so one cache serves every instance of the process. */
const knownTrees = createBoundedMap<readonly Digest[]>(CACHED_TREE_FILES);

/** The files in a Tree blob, or undefined when the blob is not here. */
async function filesOfTree(cas: Cas, tree: Digest): Promise<readonly Digest[] | undefined> {
  const key = digestKey(tree);
  const known = knownTrees.get(key);
  if (known) return known;
  const message = await readMessage(cas, TreeSchema, tree, MAX_TREE_BYTES);
  if (!message) return undefined;
  const ofDirectory = (directory: Directory) =>
    directory.files.map((file) => toDigest(file.digest, tree.fn.wireValue, "tree.files.digest"));
  const files = [message.root ?? [], message.children].flat().flatMap(ofDirectory);
  knownTrees.set(key, files, files.length + 1);
  return files;
}

async function isDirectoryHere(cas: Cas, directory: OutputDirectory, fnWireValue: number): Promise<boolean> {
  const { treeDigest, rootDirectoryDigest } = directory;
  if (treeDigest) {
    const tree = toDigest(treeDigest, fnWireValue, "output_directories.tree_digest");
    const files = (await cas.has(tree)) ? await filesOfTree(cas, tree) : undefined;
    if (!files || (await cas.findMissing(files)).length > 0) return false;
  }
  if (!rootDirectoryDigest) return treeDigest !== undefined;
  const root = toDigest(rootDirectoryDigest, fnWireValue, "output_directories.root_directory_digest");
  return (await missingInputs(cas, root)).length === 0;
}

/** INVALID_ARGUMENT when the result, or a message that it refers to, is malformed. */
async function isAllHere(cas: Cas, result: ActionResult, fnWireValue: number): Promise<boolean> {
  const blobs = result.outputFiles.map((file) => toDigest(file.digest, fnWireValue, "output_files.digest"));
  if (result.stdoutDigest) blobs.push(toDigest(result.stdoutDigest, fnWireValue, "stdout_digest"));
  if (result.stderrDigest) blobs.push(toDigest(result.stderrDigest, fnWireValue, "stderr_digest"));
  if ((await cas.findMissing(blobs)).length > 0) return false;
  for (const directory of result.outputDirectories) {
    if (!(await isDirectoryHere(cas, directory, fnWireValue))) return false;
  }
  return true;
}

function decode(bytes: Uint8Array): ActionResult | undefined {
  try {
    return fromBinary(ActionResultSchema, bytes);
  } catch {
    return undefined;
  }
}

/** Makes the action cache of one instance. */
export function createActionCache(deps: ActionCacheDeps): ActionCache {
  const { store, cas, instance, clock, maxEntries, log } = deps;
  let calls = 0;

  async function isUsable(action: Digest, result: ActionResult): Promise<boolean> {
    try {
      return await isAllHere(cas, result, action.fn.wireValue);
    } catch (error) {
      if (!(error instanceof StatusError && error.code === Code.InvalidArgument)) throw error;
      log.warn({ err: error, action: digestKey(action) }, "a cached action result is malformed");
      return false;
    }
  }

  async function pruneSometimes(): Promise<void> {
    if (calls++ % CALLS_BETWEEN_PRUNES !== 0) return;
    try {
      const pruned = await store.pruneActionResults(instance, maxEntries);
      if (pruned > 0) log.info({ instance, pruned }, "pruned the action cache");
    } catch (error) {
      log.error({ err: error, instance }, "the action cache could not be pruned");
    }
  }

  return {
    get: async (action) => {
      await pruneSometimes();
      const bytes = await store.getActionResult(instance, action, clock.now());
      if (!bytes) return undefined;
      const result = decode(bytes);
      if (result && (await isUsable(action, result))) return result;
      log.debug({ instance, action: digestKey(action) }, "an action result refers to blobs that are gone");
      await store.deleteActionResult(instance, action);
      return undefined;
    },
    put: async (action, result) => {
      await store.putActionResult(instance, action, toBinary(ActionResultSchema, result), clock.now());
      await pruneSometimes();
    },
  };
}
