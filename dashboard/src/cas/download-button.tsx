import { useEffect, useRef, useState } from "react";
import { failureOf } from "../api/failure.ts";
import { bytesText } from "../format/bytes.ts";
import { shareText } from "../format/number.ts";
import type { BlobSource } from "./blob-source.ts";
import { download } from "./download.ts";
import { fileName } from "./file-name.ts";

/** Saves a blob as a file named like the end of `path`. */
export function DownloadButton({ source, path }: { readonly source: BlobSource; readonly path: string }) {
  const running = useRef<AbortController>(undefined);
  const [progress, setProgress] = useState<number>();
  const [problem, setProblem] = useState("");
  useEffect(() => () => running.current?.abort(), []);

  const start = async () => {
    running.current = new AbortController();
    const { signal } = running.current;
    setProblem("");
    setProgress(0);
    let told = 0;
    const onProgress = (bytes: number) => {
      if (bytes - told < source.size / 100 && bytes < source.size) return;
      told = bytes;
      setProgress(bytes);
    };
    try {
      await download({ source, name: fileName(path), signal, onProgress });
    } catch (error) {
      const isAborted = signal.aborted || (error instanceof DOMException && error.name === "AbortError");
      if (!isAborted) setProblem(`${failureOf(error).code}: ${failureOf(error).message}`);
    } finally {
      setProgress(undefined);
    }
  };
  const isRunning = progress !== undefined;
  return (
    <>
      {problem !== "" && (
        <span className="download-problem" role="alert">
          {problem}
        </span>
      )}
      <button
        type="button"
        onClick={isRunning ? () => running.current?.abort() : start}
        title={isRunning ? undefined : `Save ${bytesText(source.size)} as ${fileName(path)}`}
      >
        {isRunning ? `${shareText(progress, source.size)} – stop` : "Download"}
      </button>
    </>
  );
}
