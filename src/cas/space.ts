import { resourceExhausted } from "../base/errors.ts";

/** What a CAS may hold, and who makes room in it. */
export interface SpaceOptions {
  readonly maxBytes: number;
  /** Bytes of the blobs that are stored. */
  readonly stored: () => number;
  /** Tries to free that many bytes by evicting; answers how many it freed. */
  readonly makeRoom: (bytes: number) => Promise<number>;
}

/** Once the space is full, so much of it is kept; eviction is then rare and its cost shared by many writes. */
const LOW_WATER = 0.9;

/** RESOURCE_EXHAUSTED: nothing more can be evicted. */
export function casFull(message: string): Error {
  return resourceExhausted("CAS_FULL", message);
}

interface Waiter {
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Hands out bytes. Each byte on disk is either stored (the index counts it) or reserved (written, or being removed). Who
 * asks for more than fits waits in line while room is made: one run at a time, and as long as a run frees something, the
 * next follows. A run that frees nothing refuses all who still do not fit.
 */
export class Space {
  readonly #options: SpaceOptions;
  readonly #waiters: Waiter[] = [];
  #reserved = 0;
  #run: Promise<void> | undefined;

  constructor(options: SpaceOptions) {
    this.#options = options;
  }

  get used(): number {
    return this.#options.stored() + this.#reserved;
  }

  /** Waits until the bytes fit and counts them. RESOURCE_EXHAUSTED with reason CAS_FULL when they cannot. */
  async reserve(bytes: number): Promise<void> {
    if (this.#waiters.length === 0 && this.#fits(bytes)) {
      this.#reserved += bytes;
      return;
    }
    if (bytes > this.#options.maxBytes) throw casFull("the blob is larger than the whole storage");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiters.push({ bytes, resolve, reject });
    this.#run ??= this.#makeRoom();
    await promise;
  }

  /** Counts bytes that are on disk already, whether they fit or not. */
  occupy(bytes: number): void {
    this.#reserved += bytes;
  }

  /** Gives back what was reserved or occupied: it was removed, or is stored from now on. */
  release(bytes: number): void {
    this.#reserved -= bytes;
    this.#admit();
  }

  /** Resolves when no room is being made any more. */
  async idle(): Promise<void> {
    await this.#run;
  }

  #fits(bytes: number): boolean {
    return this.used + bytes <= this.#options.maxBytes;
  }

  #admit(): void {
    for (let first = this.#waiters[0]; first && this.#fits(first.bytes); first = this.#waiters[0]) {
      this.#waiters.shift();
      this.#reserved += first.bytes;
      first.resolve();
    }
  }

  async #makeRoom(): Promise<void> {
    while (this.#waiters.length > 0) {
      try {
        const freed = await this.#options.makeRoom(this.#missing());
        this.#admit();
        if (freed === 0) this.#refuse(casFull("everything that is stored is in use by live actions"));
      } catch (error) {
        this.#refuse(error);
      }
    }
    this.#run = undefined;
  }

  #missing(): number {
    const { maxBytes } = this.#options;
    const wanted = this.#waiters.reduce((sum, waiter) => sum + waiter.bytes, 0);
    return Math.max(this.used - maxBytes * LOW_WATER, this.used + Math.min(wanted, maxBytes) - maxBytes);
  }

  #refuse(error: unknown): void {
    for (const waiter of this.#waiters.splice(0)) {
      if (this.#fits(waiter.bytes)) {
        this.#reserved += waiter.bytes;
        waiter.resolve();
      } else {
        waiter.reject(error);
      }
    }
  }
}
