import {
  type Action,
  ActionSchema,
  type Command,
  CommandSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { type Digest, digestKey } from "../base/digests.ts";
import { Code, invalidArgument, StatusError } from "../base/errors.ts";
import { toDigest } from "../base/wire-digests.ts";
import { contentKey } from "./blob-index.ts";
import type { Cas } from "./cas.ts";
import { type DirectoryLinks, MAX_DEPTH, type SeenDirectories, visitTree } from "./directories.ts";
import { readMessage } from "./read-message.ts";

/** How many files, directories and symlinks an input root may have once it is laid out. */
export const MAX_INPUT_ENTRIES = 2_000_000;
const MAX_ACTION_BYTES = 1024 * 1024;
const MAX_COMMAND_BYTES = 16 * 1024 * 1024;

/** What an action says, or which of its two messages are not here. */
export type LoadedAction =
  | { readonly action: Action; readonly command: Command; readonly inputRoot: Digest }
  | { readonly missing: Digest[] };

/** Reads an action and its command. INVALID_ARGUMENT when one is malformed or names no proper digest. */
export async function loadAction(cas: Cas, digest: Digest): Promise<LoadedAction> {
  const action = await readMessage(cas, ActionSchema, digest, MAX_ACTION_BYTES);
  if (!action) return { missing: [digest] };
  const inputRoot = toDigest(action.inputRootDigest, digest.fn.wireValue, "action.input_root_digest");
  const commandDigest = toDigest(action.commandDigest, digest.fn.wireValue, "action.command_digest");
  const command = await readMessage(cas, CommandSchema, commandDigest, MAX_COMMAND_BYTES);
  if (!command) return { missing: [commandDigest] };
  // A cache may still have what the storage behind it has no more, and a bot may ask another replica.
  const missing = await cas.findMissing([digest, commandDigest]);
  return missing.length > 0 ? { missing } : { action, command, inputRoot };
}

/** Links of the directories of one complete tree, by hash. */
type Graph = Map<string, DirectoryLinks>;

function childrenIn(graph: Graph, links: DirectoryLinks): DirectoryLinks[] {
  return links.directories.map((digest) => graph.get(digest.hash)).filter((child) => child !== undefined);
}

/** Computes `expanded` of a directory and all below it, without recursion: a tree may be deep. */
function expand(root: DirectoryLinks, graph: Graph): { readonly entries: number; readonly depth: number } {
  const stack = [root];
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const children = childrenIn(graph, top);
    const open = top.expanded ? [] : children.filter((child) => !child.expanded);
    for (const child of open) stack.push(child);
    if (open.length > 0) continue;
    top.expanded ??= {
      entries: children.reduce((sum, child) => sum + (child.expanded?.entries ?? 0), top.entries),
      depth: 1 + children.reduce((most, child) => Math.max(most, child.expanded?.depth ?? 0), 0),
    };
    stack.pop();
  }
  return root.expanded ?? { entries: 0, depth: 0 };
}

/**
 * A few small directories that refer to each other many times are a huge tree: cheap to send, cheap to visit, and endless
 * to lay out. INVALID_ARGUMENT for such a one.
 */
function checkExpansion(root: Digest, graph: Graph): void {
  const links = graph.get(root.hash);
  if (!links) return;
  const { entries, depth } = expand(links, graph);
  if (entries <= MAX_INPUT_ENTRIES && depth <= MAX_DEPTH) return;
  const problem = entries > MAX_INPUT_ENTRIES ? `${MAX_INPUT_ENTRIES} entries` : `${MAX_DEPTH} levels`;
  const blob = digestKey(root);
  throw invalidArgument("TREE_TOO_LARGE", `the input root ${blob} has more than ${problem}`, { blob });
}

/**
 * Those directories and files of an input root that are not here, each once; what is below a missing directory is unknown.
 * The others count as used. INVALID_ARGUMENT for a malformed directory and for a tree beyond the limits.
 */
export async function missingInputs(cas: Cas, inputRoot: Digest): Promise<Digest[]> {
  const missing = new Map<string, Digest>();
  const graph: Graph = new Map();
  for await (const level of visitTree(cas, inputRoot)) {
    for (const { digest, links } of level) {
      if (links) graph.set(digest.hash, links);
      const gone = links ? await cas.findMissing(links.files) : [digest];
      for (const each of gone) missing.set(digestKey(each), each);
    }
  }
  if (missing.size === 0) checkExpansion(inputRoot, graph);
  return [...missing.values()];
}

async function addNeeded(cas: Cas, actionDigest: Digest, needed: Set<string>, seen: SeenDirectories): Promise<void> {
  needed.add(contentKey(actionDigest));
  const loaded = await loadAction(cas, actionDigest);
  if ("missing" in loaded) return;
  const { commandDigest } = loaded.action;
  needed.add(contentKey(toDigest(commandDigest, actionDigest.fn.wireValue, "action.command_digest")));
  for await (const level of visitTree(cas, loaded.inputRoot, seen)) {
    for (const { digest, links } of level) {
      needed.add(contentKey(digest));
      for (const file of links?.files ?? []) needed.add(contentKey(file));
    }
  }
}

/** Content keys of all that the actions need: themselves, their commands and input roots. What is missing is skipped. */
export async function neededByActions(cas: Cas, actions: readonly Digest[]): Promise<Set<string>> {
  const needed = new Set<string>();
  let seen: SeenDirectories = new Map();
  for (const action of actions) {
    try {
      await addNeeded(cas, action, needed, seen);
    } catch (error) {
      // Nobody can run an action that is malformed, so nothing is needed for it.
      if (!(error instanceof StatusError && error.code === Code.InvalidArgument)) throw error;
      seen = new Map();
    }
  }
  return needed;
}
