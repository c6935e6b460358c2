import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import { bytesText } from "../format/bytes.ts";
import { BlobProblem } from "./blob-problem.tsx";
import "./blobs.css";
import { visibleText } from "../format/visible.ts";
import type { FileEntry, FileNode } from "./file-node.ts";
import { type FileRow, keyEffect } from "./file-rows.ts";
import type { BlobHome } from "./resource-names.ts";
import { useFileRows } from "./use-file-rows.ts";

interface FileTreeProps {
  readonly roots: readonly FileNode[];
  readonly home: BlobHome;
  readonly what: string;
  /** The path of the file that is shown. */
  readonly selected: string | undefined;
  readonly onSelect: (path: string) => void;
  /** Told of the file that is selected, once it is known. */
  readonly onFound: (file: FileEntry | undefined) => void;
}

const ROW_HEIGHT = 26;

/** Files that can be opened, directory by directory. Only the rows in sight are made. */
export function FileTree({ roots, home, what, selected, onSelect, onFound }: FileTreeProps) {
  const { rows, toggle, load } = useFileRows(roots, home, selected);
  const [focused, setFocused] = useState<string>();
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
  });

  // The row that had the focus goes when its directory is closed.
  const focusedIndex = Math.max(0, indexOf(rows, focused));
  const found = rows.find((row) => row.kind === "node" && row.node.path === selected);
  const file = found?.kind === "node" && found.node.kind === "file" ? found.node : undefined;
  useEffect(() => onFound(file), [file, onFound]);

  const act = ({ kind, path }: FileNode) => {
    setFocused(path);
    if (kind === "directory") toggle(path);
    if (kind === "file") onSelect(path);
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const row = rows[focusedIndex];
    const isOurs = !event.ctrlKey && !event.metaKey && !event.altKey;
    const effect = isOurs ? keyEffect(rows, focusedIndex, event.key.toLowerCase()) : undefined;
    if (effect === undefined || row?.kind !== "node") return;
    event.preventDefault();
    event.stopPropagation();
    if (effect === "act") return act(row.node);
    if (effect === "toggle") return toggle(row.node.path);
    const target = rows[effect.to];
    if (target?.kind === "node") setFocused(target.node.path);
    virtual.scrollToIndex(effect.to);
  };

  if (roots.length === 0) return <p className="dim">No files.</p>;
  const items = virtual.getVirtualItems();
  return (
    <div
      className="file-tree"
      ref={scroller}
      role="tree"
      aria-label={what}
      tabIndex={0}
      onKeyDown={onKeyDown}
      aria-activedescendant={`${what}-${focusedIndex}`}
    >
      <div role="presentation" style={{ height: virtual.getTotalSize(), position: "relative" }}>
        {items.map(({ index, start }) => {
          const row = rows[index] as FileRow;
          return (
            <div key={index} role="presentation" className="file-place" style={{ transform: `translateY(${start}px)` }}>
              {row.kind === "note" ? (
                <Note row={row} onRetry={() => load(row.of)} />
              ) : (
                <Row
                  {...{ row }}
                  id={`${what}-${index}`}
                  selected={row.node.path === selected}
                  focused={index === focusedIndex}
                  onAct={() => act(row.node)}
                />
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function indexOf(rows: readonly FileRow[], path: string | undefined): number {
  return rows.findIndex((row) => row.kind === "node" && row.node.path === path);
}

interface RowProps {
  readonly row: Extract<FileRow, { kind: "node" }>;
  readonly id: string;
  readonly selected: boolean;
  readonly focused: boolean;
  readonly onAct: () => void;
}

function Row({ row: { node, level, open, position, siblings }, id, selected, focused, onAct }: RowProps) {
  const isDirectory = node.kind === "directory";
  const className = ["file-row", selected && "selected", focused && "focused"].filter(Boolean).join(" ");
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree listens to keys
    // biome-ignore lint/a11y/useFocusableInteractive: the tree has the focus and tells which row is meant
    <div
      role="treeitem"
      id={id}
      className={className}
      aria-level={level}
      aria-posinset={position}
      aria-setsize={siblings}
      aria-selected={selected}
      {...(isDirectory && { "aria-expanded": open })}
      style={{ paddingLeft: `${level * 1.1 - 0.6}rem` }}
      onClick={onAct}
    >
      <span className="file-sign" aria-hidden="true">
        {isDirectory ? (open ? "▾" : "▸") : node.kind === "symlink" ? "↪" : ""}
      </span>
      <span className="file-name" title={[node.path, ...node.notes].join("\n")}>
        {visibleText(node.name)}
        {isDirectory && "/"}
      </span>
      {node.kind === "symlink" && <span className="dim file-name">→ {visibleText(node.target)}</span>}
      {node.kind === "file" && node.executable && <span className="file-flag">executable</span>}
      {node.notes.length > 0 && <span className="file-notes dim">{visibleText(node.notes.join(", "))}</span>}
      <span className="grow" />
      {node.kind === "file" && <span className="dim numeric">{bytesText(node.digest.sizeBytes)}</span>}
      {node.kind === "file" && <code className="file-hash dim">{node.digest.hash.slice(0, 8)}</code>}
    </div>
  );
}

function Note({
  row: { level, children },
  onRetry,
}: {
  readonly row: Extract<FileRow, { kind: "note" }>;
  readonly onRetry: () => void;
}) {
  return (
    <div className="file-row dim" style={{ paddingLeft: `${level * 1.1 - 0.6}rem` }}>
      {children.state === "loading" && "Loading …"}
      {children.state === "loaded" && "empty"}
      {children.state === "failed" && <BlobProblem error={children.error} onRetry={onRetry} />}
    </div>
  );
}
