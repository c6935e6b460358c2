import { type FileHandle, open } from "node:fs/promises";
import type { Digest, Hasher } from "../base/digests.ts";
import { digestKey } from "../base/digests.ts";
import { aborted, invalidArgument } from "../base/errors.ts";
import { storageError } from "./blob-files.ts";
import type { Upload } from "./cas.ts";

/** Received bytes that may wait for the disk; more than that and `write` waits. */
const MAX_PENDING_BYTES = 1024 * 1024;

/** The bytes of an upload on disk, and the hash computation over them. */
export interface PartialFile {
  readonly path: string;
  sizeBytes: number;
  /** Undefined when the bytes have not been hashed by this process. */
  hasher: Hasher | undefined;
}

/** What an upload needs of the storage around it. */
export interface UploadDeps {
  /** Counts bytes that are about to be written; rejects when they do not fit. */
  readonly reserve: (bytes: number) => Promise<void>;
  /** Takes over the finished, synced file. */
  readonly publish: (digest: Digest, partial: PartialFile) => Promise<void>;
  /** Removes the file and forgets the upload. */
  readonly discard: (partial: PartialFile) => Promise<void>;
  /** Keeps the upload for a client that comes back. */
  readonly keep: (partial: PartialFile) => void;
}

/** INVALID_ARGUMENT for content that is not what its digest says. */
export function digestMismatch(expected: Digest, actual: Digest): Error {
  const [wanted, found] = [digestKey(expected), digestKey(actual)];
  const message = `the content does not match its digest: expected ${wanted}, got ${found}`;
  return invalidArgument("DIGEST_MISMATCH", message, { expected: wanted, actual: found });
}

function tooLong(digest: Digest, received: number): Error {
  const wanted = digestKey(digest);
  const message = `more bytes than the digest says: expected ${wanted}, got ${received} bytes so far`;
  return invalidArgument("DIGEST_MISMATCH", message, { expected: wanted, actual_size: `${received}` });
}

async function append(file: FileHandle, chunks: readonly Uint8Array[], total: number): Promise<void> {
  let { bytesWritten } = await file.writev(chunks);
  if (bytesWritten === total) return;
  const all = Buffer.concat(chunks);
  while (bytesWritten < total) bytesWritten += (await file.write(all, bytesWritten)).bytesWritten;
}

/** Computes the hash of the bytes that an earlier process received. */
export async function rehash(partial: PartialFile, digest: Digest): Promise<Hasher> {
  const hasher = digest.fn.createHasher();
  await using file = await open(partial.path);
  let sizeBytes = 0;
  for await (const chunk of file.createReadStream({ autoClose: false })) {
    hasher.update(chunk);
    sizeBytes += chunk.length;
  }
  if (sizeBytes !== partial.sizeBytes)
    throw new Error(`${partial.path} has ${sizeBytes} bytes, not ${partial.sizeBytes}`);
  return hasher;
}

/**
 * open -> (write)* -> finished (published), kept (disposed of without finish) or discarded (anything failed).
 *
 * Writing to disk runs behind receiving: `write` hashes the chunk, queues it and returns while up to MAX_PENDING_BYTES
 * wait, so that the many small chunks of usual clients become few large system calls.
 */
export class FileUpload implements Upload {
  readonly #digest: Digest;
  readonly #partial: PartialFile;
  readonly #hasher: Hasher;
  readonly #deps: UploadDeps;
  readonly #flags: "a" | "w";
  #file: FileHandle | undefined;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #flushing: Promise<void> | undefined;
  #failure: unknown;
  #ended = false;

  constructor(digest: Digest, partial: PartialFile, hasher: Hasher, deps: UploadDeps) {
    this.#digest = digest;
    this.#partial = partial;
    this.#hasher = hasher;
    this.#deps = deps;
    this.#flags = partial.sizeBytes === 0 ? "w" : "a";
  }

  get committedSize(): number {
    return this.#partial.sizeBytes;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#checkOpen();
    if (chunk.byteLength === 0) return;
    const received = this.#partial.sizeBytes + chunk.byteLength;
    try {
      if (received > this.#digest.sizeBytes) throw tooLong(this.#digest, received);
      await this.#deps.reserve(chunk.byteLength);
      this.#partial.sizeBytes = received;
      this.#hasher.update(chunk);
      this.#pending.push(chunk);
      this.#pendingBytes += chunk.byteLength;
      this.#flushing ??= this.#flush();
      if (this.#pendingBytes > MAX_PENDING_BYTES) await this.#flushing;
      if (this.#failure !== undefined) throw this.#failure;
    } catch (error) {
      throw await this.#fail(error);
    }
  }

  async finish(): Promise<void> {
    this.#checkOpen();
    try {
      await this.#flushed();
      const { fn } = this.#digest;
      const actual = { fn, hash: this.#hasher.hex(), sizeBytes: this.#partial.sizeBytes };
      if (actual.sizeBytes !== this.#digest.sizeBytes || actual.hash !== this.#digest.hash) {
        throw digestMismatch(this.#digest, actual);
      }
      const file = await this.#open();
      await file.datasync();
      await this.#close();
      await this.#deps.publish(this.#digest, this.#partial);
      this.#ended = true;
    } catch (error) {
      throw await this.#fail(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    try {
      await this.#flushed();
      await this.#close();
    } catch (error) {
      await this.#fail(error);
      return;
    }
    this.#ended = true;
    this.#partial.hasher = this.#hasher;
    this.#deps.keep(this.#partial);
  }

  #checkOpen(): void {
    if (this.#ended) throw aborted("UPLOAD_ENDED", "the upload has ended");
  }

  async #open(): Promise<FileHandle> {
    this.#file ??= await open(this.#partial.path, this.#flags);
    return this.#file;
  }

  async #flush(): Promise<void> {
    try {
      while (this.#pending.length > 0 && this.#failure === undefined) {
        const [chunks, total] = [this.#pending, this.#pendingBytes];
        this.#pending = [];
        this.#pendingBytes = 0;
        await append(await this.#open(), chunks, total);
      }
    } catch (error) {
      this.#failure = storageError(error);
    }
    this.#flushing = undefined;
  }

  async #flushed(): Promise<void> {
    await this.#flushing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  /** Leaves nothing behind and answers the error for the client. */
  async #fail(error: unknown): Promise<unknown> {
    if (this.#ended) return error;
    this.#ended = true;
    this.#failure ??= error;
    await this.#flushing;
    await this.#close().catch(() => {});
    await this.#deps.discard(this.#partial);
    return storageError(error);
  }
}
