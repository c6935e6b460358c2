import type { Digest } from "../base/digests.ts";

export { type ActionCache, type ActionCacheDeps, createActionCache } from "./action-cache.ts";
export { type LoadedAction, loadAction, missingInputs } from "./action-inputs.ts";
export { createFileCas, type FileCasOptions } from "./file-cas.ts";
export { createGrpcCas, type GrpcCasOptions, type GrpcSettings } from "./grpc/grpc-cas.ts";
export { type BlobName, parseReadName, parseWriteName } from "./resource-names.ts";
export { createS3Cas, type S3CasOptions, type S3Settings } from "./s3/s3-cas.ts";
export { type TreeOptions, tree } from "./tree.ts";

/** A part of a blob. `limit` undefined means to the end. */
export interface Range {
  readonly offset: number;
  readonly limit: number | undefined;
}

/** What is known of an upload. */
export interface UploadStatus {
  readonly committedSize: number;
  readonly complete: boolean;
}

/**
 * One upload that is being received. Chunks are written in order; `finish` verifies and publishes. Disposing of it
 * without `finish` keeps the bytes received so far, so that the client can resume (until they expire).
 */
export interface Upload extends AsyncDisposable {
  /** Bytes held so far; the next chunk belongs at this offset. */
  readonly committedSize: number;
  /**
   * Takes the next bytes; call it again only after it resolved, and leave the chunk unchanged from then on. More bytes than
   * the digest says are INVALID_ARGUMENT, no room is RESOURCE_EXHAUSTED; after an error nothing of the upload is left.
   */
  write(chunk: Uint8Array): Promise<void>;
  /** Verifies size and hash, makes the blob durable and visible. A mismatch is INVALID_ARGUMENT and leaves nothing. */
  finish(): Promise<void>;
}

/** The content-addressed storage of one instance. */
export interface Cas extends AsyncDisposable {
  /** True when the blob is here; counts as a use of it. The empty blob always is. */
  has(digest: Digest): Promise<boolean>;
  /** Those of the digests that are not here, the same objects in the same order; counts as a use of the others. */
  findMissing(digests: readonly Digest[]): Promise<Digest[]>;
  /**
   * The whole blob in memory; it may be shared, so it must not be changed. NOT_FOUND when it is not here,
   * RESOURCE_EXHAUSTED when larger than `maxBytes`.
   */
  readAll(digest: Digest, maxBytes: number): Promise<Uint8Array>;
  /**
   * A blob, or a part of it, in chunks, no faster than they are taken. Errors come with the first chunk: NOT_FOUND,
   * OUT_OF_RANGE for an offset below 0 or above the size, INVALID_ARGUMENT for a negative limit. What is being read stays
   * readable when the blob is evicted.
   */
  read(digest: Digest, range: Range): AsyncIterable<Uint8Array>;
  /**
   * Stores a blob at hand, durably. INVALID_ARGUMENT when it does not match or is larger than a blob may be,
   * RESOURCE_EXHAUSTED when there is no room; a blob already here is no error.
   */
  write(digest: Digest, data: Uint8Array): Promise<void>;
  /**
   * Opens or resumes an upload; `uploadId` is the client's uuid. ABORTED while another call has the same upload open.
   * Must not be called for a blob that is already here.
   */
  openUpload(uploadId: string, digest: Digest): Promise<Upload>;
  uploadStatus(uploadId: string, digest: Digest): Promise<UploadStatus>;
  stats(): CasStats;
}

/** Figures of one CAS. */
export interface CasStats {
  readonly blobs: number;
  /** Partial uploads included. */
  readonly bytes: number;
  readonly maxBytes: number;
}
