import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { bytesText } from "../format/bytes.ts";
import { BlobProblem } from "./blob-problem.tsx";
import { type BlobSource, readPart, readWhole } from "./blob-source.ts";
import "./blobs.css";
import { contentKind, hexDump } from "./content-kind.ts";
import { rowsOf } from "./text-rows.ts";
import { Rows, TextView } from "./text-view.tsx";

const BEGINNING = 4096;
/** Larger images are shown when asked for, up to the second size. */
const SMALL_IMAGE = 4 * 1024 * 1024;
const LARGEST_IMAGE = 64 * 1024 * 1024;

/** The content of a file, as what its first bytes say that it is. `id` names the content, `what` is for people. */
export function BlobView({
  source,
  id,
  what,
}: {
  readonly source: BlobSource;
  readonly id: string;
  readonly what: string;
}) {
  const { data, error, refetch } = useQuery({
    queryKey: ["blob-beginning", id],
    queryFn: ({ signal }) => readPart(source, { offset: 0, limit: BEGINNING }, signal),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  if (source.size === 0) return <p className="dim">The file is empty.</p>;
  if (error) return <BlobProblem error={error} onRetry={() => void refetch()} />;
  if (!data) return <p className="dim">Loading …</p>;
  const found = contentKind(data);
  if (found.kind === "image") return <ImageView {...{ source, id, what }} mediaType={found.mediaType} />;
  return found.kind === "text" ? (
    <TextView source={source} what={what} />
  ) : (
    <BinaryView {...{ source, what }} beginning={data} />
  );
}

interface BinaryProps {
  readonly source: BlobSource;
  readonly beginning: Uint8Array;
  readonly what: string;
}

function BinaryView({ source, beginning, what }: BinaryProps) {
  const [asText, setAsText] = useState(false);
  const shown = rowsOf(hexDump(beginning.subarray(0, 1024)));
  return (
    <>
      <p className="blob-note">
        Binary.{" "}
        <button type="button" onClick={() => setAsText(!asText)}>
          {asText ? "Show as bytes" : "Show as text"}
        </button>
      </p>
      {asText ? (
        <TextView source={source} what={what} />
      ) : (
        <Rows rows={shown} count={shown.length} what={`Bytes of ${what}`} />
      )}
      {!asText && source.size > 1024 && <p className="dim">The first KiB of {bytesText(source.size)}.</p>}
    </>
  );
}

interface ImageProps {
  readonly source: BlobSource;
  readonly id: string;
  readonly what: string;
  readonly mediaType: string;
}

function ImageView({ source, id, what, mediaType }: ImageProps) {
  const [wanted, setWanted] = useState(source.size <= SMALL_IMAGE);
  const [url, setUrl] = useState<string>();
  const [broken, setBroken] = useState(false);
  const { data, error, refetch } = useQuery({
    queryKey: ["blob-image", id],
    queryFn: ({ signal }) => readWhole(source, LARGEST_IMAGE, signal),
    enabled: wanted && source.size <= LARGEST_IMAGE,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  });
  useEffect(() => {
    if (!data) return;
    const made = URL.createObjectURL(new Blob([data], { type: mediaType }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [data, mediaType]);
  if (source.size > LARGEST_IMAGE) return <p className="dim">An image too large to be shown. Download it.</p>;
  if (error) return <BlobProblem error={error} onRetry={() => void refetch()} />;
  if (broken) return <p className="dim">The image is damaged. Download it to look closer.</p>;
  if (!wanted) {
    return (
      <button type="button" onClick={() => setWanted(true)}>
        Show the image ({bytesText(source.size)})
      </button>
    );
  }
  if (url === undefined) return <p className="dim">Loading …</p>;
  return <img className="blob-image" src={url} alt={what} onError={() => setBroken(true)} />;
}
