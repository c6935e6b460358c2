import type { UseQueryResult } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import {
  type ActionResult,
  DirectorySchema,
} from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { DigestText, FilePanel } from "../cas/blob-panel.tsx";
import { BlobProblem } from "../cas/blob-problem.tsx";
import { entriesOf, type FileEntry, type FileNode, outputsOf } from "../cas/file-node.ts";
import { FileTree } from "../cas/file-tree.tsx";
import type { BlobDigest, BlobHome } from "../cas/resource-names.ts";
import { useBlobMessage } from "../cas/use-blob.ts";
import { useParameter } from "../location/parameters.ts";

interface FilesProps {
  readonly roots: readonly FileNode[];
  readonly home: BlobHome;
  readonly what: string;
}

/** A tree of files, and the one that is chosen: `?file=...`. */
function Files({ roots, home, what }: FilesProps) {
  const [selected, setSelected] = useParameter("file");
  const [file, setFile] = useState<FileEntry>();
  return (
    <div className={file ? "files with-file" : "files"}>
      <FileTree
        {...{ roots, home, what, selected }}
        onSelect={(path) => setSelected(path, { replace: true })}
        onFound={setFile}
      />
      {file && (
        <FilePanel key={file.path} file={file} home={home}>
          <button type="button" className="quiet" onClick={() => setSelected(undefined, { replace: true })}>
            Close
          </button>
        </FilePanel>
      )}
    </div>
  );
}

interface InputsProps {
  readonly root: BlobDigest | undefined;
  readonly home: BlobHome;
  /** The action, which names the root. */
  readonly pending: UseQueryResult<unknown>;
}

/** What the command found in its input root. */
export function InputsView({ root, home, pending }: InputsProps) {
  const { data, error, refetch } = useBlobMessage(DirectorySchema, home, root);
  const roots = useMemo(() => data && entriesOf(data, "", undefined), [data]);
  if (pending.error) return <BlobProblem error={pending.error} onRetry={() => void pending.refetch()} />;
  if (pending.data && !root) return <p className="hint">The action names no input root.</p>;
  if (error) return <BlobProblem error={error} onRetry={() => void refetch()} />;
  if (!roots || !root) return <p className="dim">Loading …</p>;
  return (
    <>
      <p className="files-root">
        Input root <DigestText digest={root} />
      </p>
      {roots.length === 0 ? (
        <p className="dim">There are no inputs.</p>
      ) : (
        <Files roots={roots} home={home} what="Inputs" />
      )}
    </>
  );
}

/** What the command made. */
export function OutputsView({
  result,
  done,
  home,
}: {
  readonly result: ActionResult | undefined;
  readonly done: boolean;
  readonly home: BlobHome;
}) {
  const roots = useMemo(() => result && outputsOf(result), [result]);
  if (!roots)
    return <p className="hint">{done ? "It has no result." : "Outputs are shown once the command has ended."}</p>;
  if (roots.length === 0) return <p className="hint">The command made none of the outputs that were asked for.</p>;
  return <Files roots={roots} home={home} what="Outputs" />;
}
