import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import type { DirectoryEntry, FileNode } from "./file-node.ts";
import { type Children, type FileRow, fileRows, parentsOf } from "./file-rows.ts";
import type { BlobHome } from "./resource-names.ts";
import { readEntries } from "./use-blob.ts";

/** The rows of a tree of files, and what changes them. */
export interface FileRows {
  readonly rows: readonly FileRow[];
  /** Opens or closes a directory. */
  toggle(path: string): void;
  /** Reads what is in a directory, again if need be. */
  load(directory: DirectoryEntry): void;
}

/** The content of directories that were read. */
function useChildren({ instance, digestFunction }: BlobHome) {
  const queries = useQueryClient();
  const [known, setKnown] = useState<ReadonlyMap<string, Children>>(new Map());
  const load = useCallback(
    async (directory: DirectoryEntry) => {
      const put = (children: Children) => setKnown((before) => new Map(before).set(directory.path, children));
      put({ state: "loading" });
      try {
        put({ state: "loaded", nodes: await readEntries(queries, { instance, digestFunction }, directory) });
      } catch (error) {
        put({ state: "failed", error });
      }
    },
    [queries, instance, digestFunction],
  );
  return [known, load] as const;
}

/** Directories are read when they are opened; at first those on the way to `shown` are. */
export function useFileRows(roots: readonly FileNode[], home: BlobHome, shown: string | undefined): FileRows {
  const [known, load] = useChildren(home);
  const [open, setOpen] = useState<ReadonlySet<string>>(() => new Set(shown === undefined ? [] : parentsOf(shown)));
  const rows = useMemo(() => {
    const isOpen = (path: string) => open.has(path);
    return fileRows(roots, isOpen, (path) => known.get(path));
  }, [roots, open, known]);
  useEffect(() => {
    for (const row of rows) if (row.kind === "note" && !known.has(row.of.path)) void load(row.of);
  }, [rows, known, load]);
  const toggle = (path: string) =>
    setOpen((before) => {
      const after = new Set(before);
      if (!after.delete(path)) after.add(path);
      return after;
    });
  return { rows, toggle, load: (directory) => void load(directory) };
}
