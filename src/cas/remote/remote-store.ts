import type { Digest } from "../../base/digests.ts";

/** What there is of a blob in a store, from an offset on. */
export interface RemoteContent {
  /** As `find` answers it. */
  readonly version: string;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * Where the blobs of a `RemoteCas` are kept: another machine that may be away, slow, or hold something else than it should.
 * Every call rejects with UNAVAILABLE when the store cannot be asked, after a bounded number of tries.
 */
export interface RemoteStore extends AsyncDisposable {
  /**
   * For each digest, in order, the version of the blob that the store has, or undefined. The version of a blob that is
   * stored again is another one, if the store can tell. What is answered may be used for a while: see `docs/cas.md`.
   */
  find(digests: readonly Digest[]): Promise<(string | undefined)[]>;
  /**
   * The content from an offset on, not verified; undefined when the store does not have the blob. The chunks come no faster
   * than they are taken and end with UNAVAILABLE when the connection breaks.
   */
  open(digest: Digest, offset: number, signal: AbortSignal): Promise<RemoteContent | undefined>;
  /** Stores content that was verified: all of it becomes visible at once, durably, or nothing. */
  put(digest: Digest, content: BlobContent): Promise<void>;
}

/** The content of a blob: at hand, or to be read once from the start. */
export type BlobContent = Uint8Array | (() => AsyncIterable<Uint8Array>);
