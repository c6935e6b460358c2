import type { BlobFiles } from "./blob-files.ts";
import type { IndexEntry } from "./blob-index.ts";

/** How old the time on disk may be, so that a blob in steady use costs one system call an hour. */
const REFRESH_SECONDS = 3600;

/** Keeps the files' times near the last use, in the background, so that the order of use survives a restart. */
export class UseTimes implements AsyncDisposable {
  readonly #files: BlobFiles;
  #queue: IndexEntry[] = [];
  #run: Promise<void> | undefined;
  #closed = false;

  constructor(files: BlobFiles) {
    this.#files = files;
  }

  /** Notes a use. */
  note(entry: IndexEntry, nowSeconds: number): void {
    if (nowSeconds - entry.mtimeSeconds < REFRESH_SECONDS) return;
    entry.mtimeSeconds = nowSeconds;
    this.#queue.push(entry);
    this.#run ??= this.#writeAll();
  }

  /** Resolves when the system call at hand is through; what is still queued is forgotten. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#run;
  }

  async #writeAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      for (const entry of batch) {
        if (this.#closed) return;
        await this.#files.markUsed(entry, entry.mtimeSeconds);
      }
    }
    this.#run = undefined;
  }
}
