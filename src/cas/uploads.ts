import { createHash } from "node:crypto";
import type { Clock, Timer } from "../base/clock.ts";
import { type Digest, digestKey, type Hasher } from "../base/digests.ts";
import { aborted, resourceExhausted } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { BlobFiles } from "./blob-files.ts";
import type { Upload } from "./cas.ts";
import type { Space } from "./space.ts";
import { FileUpload, type PartialFile, rehash } from "./upload.ts";

const SUFFIX = ".part";
const PARTIAL_NAME = /^[0-9a-f]{64}\.part$/;
const MAX_PARTIALS = 10_000;
const SWEEPS_PER_EXPIRY = 10;
const MIN_SWEEP_MS = 1000;

/** What the uploads of one CAS work on. */
export interface UploadsDeps {
  readonly files: BlobFiles;
  readonly space: Space;
  /** Takes over a finished, synced file and what is reserved for it. */
  readonly publish: (digest: Digest, partial: PartialFile) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly expiryMs: number;
}

interface Partial extends PartialFile {
  readonly name: string;
  idleSince: number;
  /** True while a call sends to it or it is being removed. */
  busy: boolean;
}

/** The client's id may be any text, so the file's name is a hash of it. */
function partialName(uploadId: string, digest: Digest): string {
  return (
    createHash("sha256")
      .update(`${uploadId}\0${digestKey(digest)}`)
      .digest("hex") + SUFFIX
  );
}

/** The uploads that are being received or wait for their client to come back. */
export class Uploads implements AsyncDisposable {
  readonly #deps: UploadsDeps;
  /** In order of becoming idle, as far as they are idle. */
  readonly #partials = new Map<string, Partial>();
  readonly #removals = new Set<Promise<void>>();
  #timer: Timer | undefined;
  #closed = false;

  private constructor(deps: UploadsDeps) {
    this.#deps = deps;
  }

  /** Takes up what an earlier process left: partial uploads that got something go on, anything else is removed. */
  static async open(deps: UploadsDeps): Promise<Uploads> {
    const uploads = new Uploads(deps);
    const found = await deps.files.scanUploads();
    for (const file of found.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      const path = deps.files.uploadPath(file.name);
      if (!PARTIAL_NAME.test(file.name) || file.sizeBytes === 0) {
        await deps.files.removeUpload(path);
        continue;
      }
      const { name, sizeBytes } = file;
      const idleSince = Math.min(file.mtimeMs, deps.clock.now());
      uploads.#partials.set(name, { name, path, sizeBytes, hasher: undefined, idleSince, busy: false });
      deps.space.occupy(sizeBytes);
    }
    await uploads.#sweep();
    uploads.#schedule();
    return uploads;
  }

  /** Opens or resumes an upload. ABORTED while it is open. */
  async start(uploadId: string, digest: Digest): Promise<Upload> {
    const name = partialName(uploadId, digest);
    const partial = this.#partials.get(name) ?? this.#create(name);
    if (partial.busy) throw aborted("UPLOAD_IN_PROGRESS", "another call has this upload open");
    partial.busy = true;
    const hasher = partial.hasher ?? (await this.#hasherFor(partial, digest));
    return new FileUpload(digest, partial, hasher, {
      reserve: (bytes) => this.#deps.space.reserve(bytes),
      publish: async (published) => {
        await this.#deps.publish(published, partial);
        this.#partials.delete(name);
      },
      discard: () => this.#remove(partial),
      keep: () => this.#keep(partial),
    });
  }

  /** The bytes held of an upload; 0 for one that is not known. */
  committedSize(uploadId: string, digest: Digest): number {
    return this.#partials.get(partialName(uploadId, digest))?.sizeBytes ?? 0;
  }

  /** Gives up the upload that has waited longest for its client; answers its bytes, 0 when there is none. */
  async dropIdle(): Promise<number> {
    for (const partial of this.#partials.values()) {
      if (partial.busy) continue;
      const { sizeBytes } = partial;
      await this.#remove(partial);
      return sizeBytes;
    }
    return 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await Promise.all(this.#removals);
  }

  async #hasherFor(partial: Partial, digest: Digest): Promise<Hasher> {
    try {
      if (partial.sizeBytes > 0) return await rehash(partial, digest);
    } catch (error) {
      this.#deps.log.warn({ err: error }, "a partial upload cannot be resumed and starts again");
      await this.#deps.files.removeUpload(partial.path);
      this.#deps.space.release(partial.sizeBytes);
      partial.sizeBytes = 0;
    }
    return digest.fn.createHasher();
  }

  #create(name: string): Partial {
    if (this.#partials.size >= MAX_PARTIALS) this.#replaceOldest();
    const path = this.#deps.files.uploadPath(name);
    const partial = { name, path, sizeBytes: 0, hasher: undefined, idleSince: this.#deps.clock.now(), busy: false };
    this.#partials.set(name, partial);
    return partial;
  }

  #replaceOldest(): void {
    for (const partial of this.#partials.values()) {
      if (partial.busy) continue;
      void this.#remove(partial);
      return;
    }
    throw resourceExhausted("TOO_MANY_UPLOADS", `${MAX_PARTIALS} uploads are open`, MIN_SWEEP_MS);
  }

  #keep(partial: Partial): void {
    this.#partials.delete(partial.name);
    if (partial.sizeBytes === 0) return;
    partial.busy = false;
    partial.idleSince = this.#deps.clock.now();
    this.#partials.set(partial.name, partial);
  }

  async #remove(partial: Partial): Promise<void> {
    partial.busy = true;
    const removal = this.#deps.files.removeUpload(partial.path);
    this.#removals.add(removal);
    await removal;
    this.#removals.delete(removal);
    this.#partials.delete(partial.name);
    this.#deps.space.release(partial.sizeBytes);
  }

  async #sweep(): Promise<void> {
    const oldest = this.#deps.clock.now() - this.#deps.expiryMs;
    for (const partial of [...this.#partials.values()]) {
      if (this.#closed) return;
      if (!partial.busy && partial.idleSince <= oldest) await this.#remove(partial);
    }
  }

  #schedule(): void {
    const delayMs = Math.max(MIN_SWEEP_MS, this.#deps.expiryMs / SWEEPS_PER_EXPIRY);
    this.#timer = this.#deps.clock.after(delayMs, () => {
      void this.#sweep();
      this.#schedule();
    });
  }
}
