import type { BlobSource } from "./blob-source.ts";

/** From this size on the browser is asked for a file to write to, where it can; up to it, a download is one click. */
const STREAMED_FROM = 64 * 1024 * 1024;
/** Chunks are given to the browser in Blobs of this size, which it keeps on disk when there are many. */
const PART = 16 * 1024 * 1024;

interface WritableFile {
  write(data: Uint8Array): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

interface PickingWindow {
  showSaveFilePicker?(options: { suggestedName: string }): Promise<{ createWritable(): Promise<WritableFile> }>;
}

/** What to save, as what, and whom to tell how many bytes there are. */
export interface Download {
  readonly source: BlobSource;
  readonly name: string;
  readonly signal: AbortSignal;
  readonly onProgress: (bytes: number) => void;
}

/**
 * Saves all of a source. Large ones go straight to the disk in browsers that offer that to pages with TLS or of this
 * machine; elsewhere the browser holds them once, as large as it lets a Blob be. Rejects when reading fails, with an
 * AbortError when the reader thinks better of it.
 */
export async function download(request: Download): Promise<void> {
  const picking = globalThis as unknown as PickingWindow;
  if (request.source.size > STREAMED_FROM && picking.showSaveFilePicker) {
    const file = await picking.showSaveFilePicker({ suggestedName: request.name });
    return stream(request, await file.createWritable());
  }
  return offer(await collect(request), request.name);
}

async function* counted({ source, signal, onProgress }: Download): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let bytes = 0;
  for await (const chunk of source.read(0, source.size, signal)) {
    bytes += chunk.byteLength;
    onProgress(bytes);
    yield chunk as Uint8Array<ArrayBuffer>;
  }
  if (bytes !== source.size) throw new Error(`got ${bytes} bytes of ${source.size}`);
}

async function stream(request: Download, file: WritableFile): Promise<void> {
  try {
    for await (const chunk of counted(request)) await file.write(chunk);
    await file.close();
  } catch (error) {
    // Why it failed is what the reader wants to know, not that the rest cannot be removed.
    await file.abort().catch(() => {});
    throw error;
  }
}

async function collect(request: Download): Promise<Blob> {
  const parts: Blob[] = [];
  let chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const pack = () => {
    parts.push(new Blob(chunks));
    chunks = [];
    length = 0;
  };
  for await (const chunk of counted(request)) {
    chunks.push(chunk);
    length += chunk.byteLength;
    if (length >= PART) pack();
  }
  pack();
  return new Blob(parts, { type: "application/octet-stream" });
}

function offer(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
