import { randomUUID } from "node:crypto";
import {
  chmodSync,
  constants,
  copyFileSync,
  createReadStream,
  lstatSync,
  mkdirSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { copyFile, lstat, mkdir, open, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  type Digest,
  type DigestFunction,
  digestFunctions,
  digestKey,
  digestOf,
  digestProblem,
  sameDigest,
} from "../base/digests.ts";
import { Code, StatusError } from "../base/errors.ts";
import { blobName, digestOfStream } from "./blob-names.ts";
import { systemErrorCode } from "./status.ts";
import { eachLimited } from "./waiting.ts";

const FILES_AT_ONCE = 16;
/** Up to this size a system call made here takes less time than one that is handed to a thread. */
const SMALL_BYTES = 256 * 1024;
const COPY_MODE = constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL;

/** What identifies an unchanged file. No process but one that sets the machine's clock can restore a ctime. */
interface Print {
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

interface Entry {
  readonly digest: Digest;
  /** Undefined for a file that an earlier process left: its content is checked before its first use. */
  print: Print | undefined;
}

/**
 * Blobs that were downloaded, one read-only file each, at most `maxBytes` of them, the least recently used going first.
 *
 * Files leave the cache as copies only (clones, where the file system can), never as hard links: an action that owns a
 * link could make it writable and change it for the next action. Each use compares the file's inode, size, mtime and
 * ctime with what they were when its content was verified, so a file that somebody wrote to is dropped, not used.
 * A blob that is held stays, even above the bound.
 */
export class BlobCache {
  readonly #directory: string;
  readonly #maxBytes: number;
  /** In order of use, the oldest first. */
  readonly #entries = new Map<string, Entry>();
  readonly #holds = new Map<string, number>();
  #bytes = 0;

  private constructor(directory: string, maxBytes: number) {
    this.#directory = directory;
    this.#maxBytes = maxBytes;
  }

  /** Opens a directory that this process alone uses; keeps the blobs in it and removes what was half-written. */
  static async open(directory: string, maxBytes: number): Promise<BlobCache> {
    const cache = new BlobCache(directory, maxBytes);
    await rm(join(directory, "partial"), { recursive: true, force: true });
    await mkdir(join(directory, "partial"), { recursive: true });
    await cache.#load();
    await cache.#evict();
    return cache;
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a hold of a blob if it is here and sound; each true answer needs one `release`. */
  async hold(digest: Digest): Promise<boolean> {
    const key = digestKey(digest);
    const entry = this.#entries.get(key);
    if (!entry) return false;
    this.#holds.set(key, (this.#holds.get(key) ?? 0) + 1);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (entry.print || (await this.#verify(key, entry))) return true;
    await this.release([digest]);
    return false;
  }

  /** Lets go of held blobs, and makes room if there are too many. */
  async release(digests: Iterable<Digest>): Promise<void> {
    for (const digest of digests) {
      const key = digestKey(digest);
      const holds = (this.#holds.get(key) ?? 0) - 1;
      if (holds > 0) this.#holds.set(key, holds);
      else this.#holds.delete(key);
    }
    await this.#evict();
  }

  /** Stores a blob, checking size and hash on the way; INTERNAL when they differ. It is held afterwards. */
  async store(digest: Digest, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const partial = join(this.#directory, "partial", randomUUID());
    try {
      if (content instanceof Uint8Array) writeChecked(partial, digest, content);
      else await streamChecked(partial, digest, content);
      this.#publish(partial, digest);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    await this.#evict();
  }

  #publish(partial: string, digest: Digest): void {
    const key = digestKey(digest);
    const path = this.#pathOf(digest);
    try {
      renameSync(partial, path);
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
      mkdirSync(dirname(path), { recursive: true });
      renameSync(partial, path);
    }
    this.#forget(key);
    this.#entries.set(key, { digest, print: printOf(lstatSync(path, { bigint: true })) });
    this.#bytes += digest.sizeBytes;
    this.#holds.set(key, (this.#holds.get(key) ?? 0) + 1);
  }

  /** Copies a blob to a path where nothing is, with mode 0444. False when it was damaged or went away. */
  async copy(digest: Digest, path: string): Promise<boolean> {
    const key = digestKey(digest);
    const entry = this.#entries.get(key);
    if (!entry?.print) return false;
    const source = this.#pathOf(digest);
    try {
      if (digest.sizeBytes <= SMALL_BYTES) copyFileSync(source, path, COPY_MODE);
      else await copyFile(source, path, COPY_MODE);
      // Looked at after the copy: a change before or during it shows.
      if (samePrint(printOf(lstatSync(source, { bigint: true })), entry.print)) return true;
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
    }
    await rm(path, { force: true });
    if (this.#entries.get(key) === entry) await this.#drop(key, entry);
    return false;
  }

  async #verify(key: string, entry: Entry): Promise<boolean> {
    const path = this.#pathOf(entry.digest);
    try {
      const before = printOf(await lstat(path, { bigint: true }));
      const found = await digestOfStream(createReadStream(path), entry.digest.fn);
      const print = printOf(await lstat(path, { bigint: true }));
      if (digestKey(found) === key && samePrint(before, print)) {
        entry.print = print;
        return true;
      }
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
    }
    if (this.#entries.get(key) === entry) await this.#drop(key, entry);
    return false;
  }

  async #evict(): Promise<void> {
    if (this.#bytes <= this.#maxBytes) return;
    for (const [key, entry] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) return;
      if (!this.#holds.has(key) && this.#entries.get(key) === entry) await this.#drop(key, entry);
    }
  }

  async #drop(key: string, entry: Entry): Promise<void> {
    this.#forget(key);
    await rm(this.#pathOf(entry.digest), { force: true, recursive: true });
  }

  #forget(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#bytes -= entry.digest.sizeBytes;
  }

  #pathOf({ fn, hash, sizeBytes }: Digest): string {
    return join(this.#directory, fn.name, hash.slice(0, 2), `${hash}-${sizeBytes}`);
  }

  async #load(): Promise<void> {
    const found: { digest: Digest; usedAt: number }[] = [];
    for (const fn of digestFunctions) {
      const directory = join(this.#directory, fn.name);
      await mkdir(directory, { recursive: true });
      const files = await readdir(directory, { recursive: true, withFileTypes: true });
      await eachLimited(files, FILES_AT_ONCE, async (file) => {
        if (file.isDirectory()) return;
        const path = join(file.parentPath, file.name);
        const digest = digestOfName(file.name, fn);
        const stats = await lstat(path);
        if (digest && stats.isFile() && stats.size === digest.sizeBytes) found.push({ digest, usedAt: stats.atimeMs });
        else await rm(path, { force: true });
      });
    }
    for (const { digest } of found.sort((a, b) => a.usedAt - b.usedAt)) {
      this.#entries.set(digestKey(digest), { digest, print: undefined });
      this.#bytes += digest.sizeBytes;
    }
  }
}

function digestOfName(name: string, fn: DigestFunction): Digest | undefined {
  const [hash = "", size = ""] = name.split("-");
  const sizeBytes = Number(size);
  return digestProblem(hash, sizeBytes, fn) === undefined ? { fn, hash, sizeBytes } : undefined;
}

function writeChecked(path: string, digest: Digest, content: Uint8Array): void {
  if (!sameDigest(digestOf(content, digest.fn), digest)) throw mismatch(digest);
  writeFileSync(path, content, { flag: "wx", mode: 0o600 });
  chmodSync(path, 0o444);
}

async function streamChecked(path: string, digest: Digest, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const hasher = digest.fn.createHasher();
  let size = 0;
  await using file = await open(path, "wx", 0o600);
  for await (const chunk of chunks) {
    size += chunk.byteLength;
    if (size > digest.sizeBytes) break;
    hasher.update(chunk);
    await file.writeFile(chunk);
  }
  if (size !== digest.sizeBytes || hasher.hex() !== digest.hash) throw mismatch(digest);
  await file.chmod(0o444);
}

function mismatch(digest: Digest): StatusError {
  return new StatusError(`the content received for ${blobName(digest)} does not match its digest`, Code.Internal);
}

function printOf(stats: Print): Print {
  return { ino: stats.ino, size: stats.size, mtimeNs: stats.mtimeNs, ctimeNs: stats.ctimeNs };
}

function samePrint(a: Print, b: Print): boolean {
  return a.ctimeNs === b.ctimeNs && a.mtimeNs === b.mtimeNs && a.ino === b.ino && a.size === b.size;
}
