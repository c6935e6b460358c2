import type { ReactNode } from "react";
import { useMemo } from "react";
import { bytesText } from "../format/bytes.ts";
import { visibleText } from "../format/visible.ts";
import { CopyButton } from "../ui/copy-button.tsx";
import { inlineSource } from "./blob-source.ts";
import { BlobView } from "./blob-view.tsx";
import { DownloadButton } from "./download-button.tsx";
import type { FileEntry } from "./file-node.ts";
import { type BlobDigest, type BlobHome, blobKey, readName } from "./resource-names.ts";
import { useBlobSource } from "./use-blob.ts";

/** A digest that can be copied whole. */
export function DigestText({ digest }: { readonly digest: BlobDigest }) {
  return (
    <span className="digest">
      <code title={blobKey(digest)}>{digest.hash.slice(0, 12)}…</code>
      <CopyButton text={blobKey(digest)} what="the digest" />
    </span>
  );
}

/** A file: what it is, what is in it, and how to keep it. */
export function FilePanel({
  file,
  home,
  children,
}: {
  readonly file: FileEntry;
  readonly home: BlobHome;
  readonly children?: ReactNode;
}) {
  const { digest, contents, path } = file;
  const stored = useBlobSource(home, digest);
  const source = useMemo(() => (contents ? inlineSource(contents) : stored), [contents, stored]);
  return (
    <section className="file-panel" aria-label={visibleText(path)}>
      <header>
        <h2 title={path}>{visibleText(path)}</h2>
        <span className="dim">{bytesText(source.size)}</span>
        <DigestText digest={digest} />
        <span className="grow" />
        <DownloadButton source={source} path={path} />
        {children}
      </header>
      <BlobView key={blobKey(digest)} source={source} id={readName(home, digest)} what={visibleText(path)} />
    </section>
  );
}
