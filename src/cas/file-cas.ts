import type { FileHandle } from "node:fs/promises";
import type { Clock } from "../base/clock.ts";
import { type Digest, digestKey, digestOf, sameDigest } from "../base/digests.ts";
import { invalidArgument, resourceExhausted, unavailable } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { neededByActions } from "./action-inputs.ts";
import { BlobFiles } from "./blob-files.ts";
import { BlobIndex, contentKey, type IndexEntry } from "./blob-index.ts";
import { blobNotFound, isEmptyBlob } from "./blob-names.ts";
import { readChunks, readExactly, resolveRange } from "./blob-reader.ts";
import { createBoundedMap } from "./bounded-map.ts";
import type { Cas, CasStats, Range, Upload, UploadStatus } from "./cas.ts";
import { createLimiter, KeyLock } from "./concurrency.ts";
import { createEviction } from "./eviction.ts";
import { casFull, Space } from "./space.ts";
import { digestMismatch, type PartialFile } from "./upload.ts";
import { Uploads } from "./uploads.ts";
import { UseTimes } from "./use-times.ts";

/** How to make a CAS in a directory. */
export interface FileCasOptions {
  /** Made if it is not there. Only one process may use it at a time. */
  readonly directory: string;
  /** Bytes of content that are kept, partial uploads included; the file system needs a little more. */
  readonly maxBytes: number;
  /** Largest blob that is accepted. */
  readonly maxBlobBytes: number;
  /** How long a partial upload waits for its client; default one hour. */
  readonly uploadExpiryMs?: number;
  readonly clock: Clock;
  readonly log: Logger;
  /**
   * The actions whose blobs must not be evicted: those of all jobs that have not ended, and those whose inputs are being
   * checked for a job that is about to be recorded.
   */
  readonly liveActions: () => Promise<readonly Digest[]>;
}

const DEFAULT_UPLOAD_EXPIRY_MS = 3_600_000;
const WRITE_CONCURRENCY = 64;
/** A batch may ask for many thousand small blobs; each takes a file descriptor while it is read. */
const READ_CONCURRENCY = 64;
/** Actions, commands and directories: written, then read at once by the scheduler and by workers. */
const MEMORY_BLOB_BYTES = 16 * 1024;
const MEMORY_BYTES = 32 * 1024 * 1024;
const RETRY_MS = 1000;

/** Opens the CAS of a directory, making the directory if need be, and takes up what is in it. */
export async function createFileCas(options: FileCasOptions): Promise<Cas> {
  const { maxBytes, clock, log, uploadExpiryMs: expiryMs = DEFAULT_UPLOAD_EXPIRY_MS } = options;
  const files = await BlobFiles.open(options.directory, log);
  const index = new BlobIndex();
  for (const { digest, mtimeMs } of await files.scanBlobs()) index.add(digest, Math.floor(mtimeMs / 1000));
  const locks = new KeyLock();
  const space = new Space({ maxBytes, stored: () => index.bytes, makeRoom: (bytes) => evict(bytes) });
  const publish = (digest: Digest, partial: PartialFile) => cas.publish(digest, partial);
  const uploads = await Uploads.open({ files, space, publish, clock, log, expiryMs });
  const cas = new FileCas({ options, files, index, locks, space, uploads });
  const needed = async () => neededByActions(cas, await options.liveActions());
  const evict = createEviction({ index, files, locks, space, needed, dropIdleUpload: () => uploads.dropIdle(), log });
  return cas;
}

interface Parts {
  readonly options: FileCasOptions;
  readonly files: BlobFiles;
  readonly index: BlobIndex;
  readonly locks: KeyLock;
  readonly space: Space;
  readonly uploads: Uploads;
}

/**
 * A blob is here when the index has it, and the index has it only after its file and its directory entry are synced. All
 * that makes or removes the file of a blob holds the blob's lock. Waiting for space while holding a lock is safe because
 * eviction never waits for a lock.
 */
class FileCas implements Cas {
  readonly #options: FileCasOptions;
  readonly #files: BlobFiles;
  readonly #index: BlobIndex;
  readonly #locks: KeyLock;
  readonly #space: Space;
  readonly #uploads: Uploads;
  readonly #useTimes: UseTimes;
  readonly #limitWrites = createLimiter(WRITE_CONCURRENCY);
  readonly #limitReads = createLimiter(READ_CONCURRENCY);
  readonly #memory = createBoundedMap<Uint8Array>(MEMORY_BYTES);
  #closed = false;

  constructor({ options, files, index, locks, space, uploads }: Parts) {
    this.#options = options;
    this.#files = files;
    this.#index = index;
    this.#locks = locks;
    this.#space = space;
    this.#uploads = uploads;
    this.#useTimes = new UseTimes(files);
  }

  async has(digest: Digest): Promise<boolean> {
    return this.#isHere(digest);
  }

  async findMissing(digests: readonly Digest[]): Promise<Digest[]> {
    return digests.filter((digest) => !this.#isHere(digest));
  }

  async readAll(digest: Digest, maxBytes: number): Promise<Uint8Array> {
    const { sizeBytes } = digest;
    if (sizeBytes > maxBytes) {
      throw resourceExhausted("BLOB_TOO_LARGE", `blob ${digestKey(digest)} is larger than ${maxBytes} bytes`);
    }
    if (isEmptyBlob(digest)) return new Uint8Array(0);
    const key = contentKey(digest);
    const known = this.#memory.get(key);
    if (known && this.#isHere(digest)) return known;
    const data = await this.#limitReads(async () => {
      await using file = await this.#openBlob(digest);
      return await readExactly(file, 0, sizeBytes);
    });
    if (sizeBytes <= MEMORY_BLOB_BYTES) this.#memory.set(key, data, sizeBytes);
    return data;
  }

  async *read(digest: Digest, range: Range): AsyncGenerator<Uint8Array> {
    const { start, end } = resolveRange(range, digest.sizeBytes);
    if (!isEmptyBlob(digest)) yield* readChunks(await this.#openBlob(digest), start, end);
  }

  async write(digest: Digest, data: Uint8Array): Promise<void> {
    this.#checkAcceptable(digest);
    const actual = digestOf(data, digest.fn);
    if (!sameDigest(actual, digest)) throw digestMismatch(digest, actual);
    if (this.#isHere(digest)) return;
    await this.#locks.run(contentKey(digest), async () => {
      if (!this.#isHere(digest)) await this.#store(digest, data);
    });
  }

  async openUpload(uploadId: string, digest: Digest): Promise<Upload> {
    this.#checkAcceptable(digest);
    return await this.#uploads.start(uploadId, digest);
  }

  async uploadStatus(uploadId: string, digest: Digest): Promise<UploadStatus> {
    if (this.#isHere(digest)) return { committedSize: digest.sizeBytes, complete: true };
    return { committedSize: this.#uploads.committedSize(uploadId, digest), complete: false };
  }

  stats(): CasStats {
    return { blobs: this.#index.count, bytes: this.#space.used, maxBytes: this.#options.maxBytes };
  }

  /** Takes over the synced file of an upload and the space reserved for it; a blob that came otherwise meanwhile wins. */
  async publish(digest: Digest, partial: PartialFile): Promise<void> {
    await this.#locks.run(contentKey(digest), async () => {
      if (this.#isHere(digest)) {
        await this.#files.removeUpload(partial.path);
      } else {
        await this.#files.publish(partial.path, digest);
        this.#index.add(digest, this.#nowSeconds());
      }
      this.#space.release(partial.sizeBytes);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#uploads[Symbol.asyncDispose]();
    await this.#locks.idle();
    await this.#space.idle();
    await this.#useTimes[Symbol.asyncDispose]();
  }

  #nowSeconds(): number {
    return Math.floor(this.#options.clock.now() / 1000);
  }

  /** True when the blob is here, which then counts as used. */
  #isHere(digest: Digest): boolean {
    const entry = this.#index.find(digest);
    if (!entry) return isEmptyBlob(digest);
    this.#index.use(entry);
    this.#useTimes.note(entry, this.#nowSeconds());
    return true;
  }

  #checkAcceptable({ sizeBytes }: Digest): void {
    const { maxBlobBytes, maxBytes } = this.#options;
    if (this.#closed) throw unavailable("the content-addressed storage is closed", RETRY_MS);
    if (sizeBytes > maxBlobBytes) {
      throw invalidArgument(
        "BLOB_TOO_LARGE",
        `a blob of ${sizeBytes} bytes is larger than the limit of ${maxBlobBytes}`,
      );
    }
    if (sizeBytes > maxBytes) throw casFull("the blob is larger than the whole storage");
  }

  async #store(digest: Digest, data: Uint8Array): Promise<void> {
    const { sizeBytes } = digest;
    await this.#space.reserve(sizeBytes);
    try {
      await this.#limitWrites(() => this.#files.store(digest, data));
      this.#index.add(digest, this.#nowSeconds());
    } finally {
      this.#space.release(sizeBytes);
    }
    // A copy: the data may be a small part of a large request.
    if (sizeBytes <= MEMORY_BLOB_BYTES) this.#memory.set(contentKey(digest), new Uint8Array(data), sizeBytes);
  }

  async #openBlob(digest: Digest): Promise<FileHandle> {
    const entry = this.#index.find(digest);
    const file = this.#isHere(digest) ? await this.#files.openBlob(digest) : undefined;
    if (file) return file;
    if (entry && this.#index.find(digest) === entry) await this.#forget(entry);
    throw blobNotFound(digest);
  }

  /** Corrects the index when the file of a blob turned out to be missing or damaged. */
  async #forget(entry: IndexEntry): Promise<void> {
    this.#options.log.error({ blob: digestKey(entry) }, "the file of a blob is missing or has the wrong size");
    this.#index.remove(entry);
    await this.#locks.run(contentKey(entry), async () => {
      if (!this.#index.find(entry)) await this.#files.removeBlob(entry);
    });
  }
}
