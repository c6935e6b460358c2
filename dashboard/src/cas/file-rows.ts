import type { DirectoryEntry, FileNode } from "./file-node.ts";

/** What is known of the content of a directory. */
export type Children =
  | { readonly state: "loading" }
  | { readonly state: "failed"; readonly error: unknown }
  | { readonly state: "loaded"; readonly nodes: readonly FileNode[] };

/** A row of a tree of files. */
export type FileRow =
  | {
      readonly kind: "node";
      readonly node: FileNode;
      /** From 1. */
      readonly level: number;
      readonly open: boolean;
      /** The place among its siblings, from 1, and how many those are. */
      readonly position: number;
      readonly siblings: number;
    }
  /** In place of the content of an open directory. */
  | { readonly kind: "note"; readonly of: DirectoryEntry; readonly level: number; readonly children: Children };

/** Guards against a tree that has itself as a child. */
const DEEPEST = 200;

/** The rows of all that is open, in order. */
export function fileRows(
  roots: readonly FileNode[],
  isOpen: (path: string) => boolean,
  childrenOf: (path: string) => Children | undefined,
): FileRow[] {
  const rows: FileRow[] = [];
  const add = (nodes: readonly FileNode[], level: number) => {
    for (const [index, node] of nodes.entries()) {
      const open = node.kind === "directory" && isOpen(node.path) && level < DEEPEST;
      rows.push({ kind: "node", node, level, open, position: index + 1, siblings: nodes.length });
      if (!open) continue;
      const children = childrenOf(node.path) ?? { state: "loading" };
      if (children.state === "loaded" && children.nodes.length > 0) add(children.nodes, level + 1);
      else rows.push({ kind: "note", of: node, level: level + 1, children });
    }
  };
  add(roots, 1);
  return rows;
}

/** The directories on the way to a path: `a` and `a/b` for `a/b/c`. */
export function parentsOf(path: string): string[] {
  const segments = path.split("/");
  return segments.slice(1).map((_, index) => segments.slice(0, index + 1).join("/"));
}

/** What a key does in a tree of files: the row to go to, or that the present one is opened, closed or shown. */
export type KeyEffect = { readonly to: number } | "toggle" | "act" | undefined;

/** The keys of a tree, as browsers name them in lower case, at the row `index`. */
export function keyEffect(rows: readonly FileRow[], index: number, key: string): KeyEffect {
  const row = rows[index];
  if (row?.kind !== "node") return undefined;
  switch (key) {
    case "arrowdown":
      return nodeFrom(rows, index + 1, 1);
    case "arrowup":
      return nodeFrom(rows, index - 1, -1);
    case "home":
      return nodeFrom(rows, 0, 1);
    case "end":
      return nodeFrom(rows, rows.length - 1, -1);
    case "arrowright":
      return row.node.kind === "directory" && !row.open ? "toggle" : nodeFrom(rows, index + 1, 1);
    case "arrowleft":
      return row.open ? "toggle" : nodeFrom(rows, parentIndex(rows, index), -1);
    case "enter":
    case " ":
      return "act";
  }
  return undefined;
}

function nodeFrom(rows: readonly FileRow[], from: number, step: 1 | -1): KeyEffect {
  for (let at = from; at >= 0 && at < rows.length; at += step) if (rows[at]?.kind === "node") return { to: at };
  return undefined;
}

function parentIndex(rows: readonly FileRow[], index: number): number {
  const level = rows[index]?.level ?? 1;
  for (let at = index; at >= 0; at -= 1) if ((rows[at]?.level ?? 1) < level) return at;
  return index;
}
