import { fstatSync, lstatSync } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readdir, rename, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, type DigestFunction, digestFunctions, digestProblem } from "../base/digests.ts";
import { resourceExhausted, unavailable } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import type { Logger } from "../base/log.ts";
import { mapLimit } from "./concurrency.ts";

const SHARDS = Array.from({ length: 256 }, (_, shard) => shard.toString(16).padStart(2, "0"));
const SCAN_CONCURRENCY = 8;
const RETRY_MS = 1000;

/** A blob found on disk at the start. */
export interface StoredBlob {
  readonly digest: Digest;
  readonly mtimeMs: number;
}

/** A file found in the uploads directory at the start. */
export interface StoredUpload {
  readonly name: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

/** The code of a failed system call. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** A full disk becomes RESOURCE_EXHAUSTED, a lack of file descriptors UNAVAILABLE; anything else stays what it is. */
export function storageError(error: unknown): unknown {
  switch (errorCode(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return resourceExhausted("DISK_FULL", "the disk of the content-addressed storage is full");
    case "EMFILE":
    case "ENFILE":
      return unavailable("too many open files", RETRY_MS);
    default:
      return error;
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path);
  await directory.sync();
}

/** The directories of one CAS and the system calls on them; knows nothing of uses and limits. */
export class BlobFiles {
  readonly #blobs: string;
  readonly #uploads: string;
  readonly #log: Logger;

  private constructor(directory: string, log: Logger) {
    this.#blobs = join(directory, "blobs");
    this.#uploads = join(directory, "uploads");
    this.#log = log;
  }

  /** Makes what directories are not there yet, durably. */
  static async open(directory: string, log: Logger): Promise<BlobFiles> {
    const files = new BlobFiles(directory, log);
    await mkdir(files.#uploads, { recursive: true });
    for (const fn of digestFunctions) {
      const home = join(files.#blobs, fn.name);
      await mkdir(home, { recursive: true });
      await mapLimit(SHARDS, SCAN_CONCURRENCY, (shard) => mkdir(join(home, shard), { recursive: true }));
      await syncDirectory(home);
    }
    await syncDirectory(files.#blobs);
    await syncDirectory(directory);
    return files;
  }

  /** A path under uploads/; both directories are on one file system. */
  uploadPath(name: string): string {
    return join(this.#uploads, name);
  }

  /** The file of a blob, or undefined when there is none or it has a wrong size. */
  async openBlob(digest: Digest): Promise<FileHandle | undefined> {
    const file = await open(this.#path(digest)).catch((error: unknown) => {
      if (errorCode(error) === "ENOENT") return undefined;
      throw storageError(error);
    });
    if (!file || fstatSync(file.fd).size === digest.sizeBytes) return file;
    await file.close();
    return undefined;
  }

  /** Makes a synced file the blob's, durably; no file of the blob is there when it fails. */
  async publish(path: string, digest: Digest): Promise<void> {
    await rename(path, this.#path(digest));
    try {
      await syncDirectory(this.#shard(digest));
    } catch (error) {
      await this.removeBlob(digest);
      throw error;
    }
  }

  /** Stores data under a digest that it was checked against, durably; leaves nothing when it fails. */
  async store(digest: Digest, data: Uint8Array): Promise<void> {
    const path = this.uploadPath(`${newId()}.tmp`);
    try {
      {
        await using file = await open(path, "wx");
        await file.writeFile(data);
        await file.datasync();
      }
      await this.publish(path, digest);
    } catch (error) {
      await this.removeUpload(path);
      throw storageError(error);
    }
  }

  /** Removes a file under uploads/, if it is there. A failure is logged: the next start tries again. */
  async removeUpload(path: string): Promise<void> {
    try {
      await unlinkIfThere(path);
    } catch (error) {
      this.#log.error({ err: error, path }, "a temporary file could not be removed");
    }
  }

  /** Removes a blob's file, if it is there. */
  async removeBlob(digest: Digest): Promise<void> {
    await unlinkIfThere(this.#path(digest));
  }

  /** Writes the time of a use to the file; that it may be gone by now is no error. */
  async markUsed(digest: Digest, seconds: number): Promise<void> {
    try {
      await utimes(this.#path(digest), seconds, seconds);
    } catch (error) {
      if (errorCode(error) !== "ENOENT") this.#log.warn({ err: error }, "the time of a blob's use could not be kept");
    }
  }

  /** All blobs, the least recently used first. Files of a wrong size are removed, others than blobs left alone. */
  async scanBlobs(): Promise<StoredBlob[]> {
    const found: StoredBlob[] = [];
    for (const fn of digestFunctions) {
      await mapLimit(SHARDS, SCAN_CONCURRENCY, (shard) => this.#scanShard(fn, shard, found));
    }
    return found.sort((a, b) => a.mtimeMs - b.mtimeMs);
  }

  async #scanShard(fn: DigestFunction, shard: string, found: StoredBlob[]): Promise<void> {
    const directory = join(this.#blobs, fn.name, shard);
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      const digest = entry.isFile() ? parseFileName(fn, shard, entry.name) : undefined;
      if (!digest) continue;
      const path = join(directory, entry.name);
      // Synchronous: twice as fast for a tree of small files, and the shards are small.
      const stat = lstatSync(path, { throwIfNoEntry: false });
      if (stat?.size === digest.sizeBytes) found.push({ digest, mtimeMs: stat.mtimeMs });
      else if (stat) await this.#removeDamaged(path, stat.size);
    }
  }

  async #removeDamaged(path: string, size: number): Promise<void> {
    this.#log.warn({ path, size }, "a blob has the wrong size and is removed");
    await unlinkIfThere(path);
  }

  /** All regular files under uploads/. */
  async scanUploads(): Promise<StoredUpload[]> {
    const entries = await readdir(this.#uploads, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
    return await mapLimit(names, SCAN_CONCURRENCY, async (name) => {
      const stat = await lstat(this.uploadPath(name));
      return { name, sizeBytes: stat.size, mtimeMs: Math.floor(stat.mtimeMs) };
    });
  }

  #shard(digest: Digest): string {
    return join(this.#blobs, digest.fn.name, digest.hash.slice(0, 2));
  }

  #path(digest: Digest): string {
    return join(this.#shard(digest), `${digest.hash}-${digest.sizeBytes}`);
  }
}

function parseFileName(fn: DigestFunction, shard: string, name: string): Digest | undefined {
  const dash = name.indexOf("-");
  const hash = name.slice(0, dash);
  const sizeBytes = Number(name.slice(dash + 1));
  const good = dash > 0 && hash.startsWith(shard) && digestProblem(hash, sizeBytes, fn) === undefined;
  return good && name === `${hash}-${sizeBytes}` ? { fn, hash, sizeBytes } : undefined;
}
