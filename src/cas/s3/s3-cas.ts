import type { Cas } from "../cas.ts";
import { createFileCas, type FileCasOptions } from "../file-cas.ts";
import { createRemoteCas } from "../remote/remote-cas.ts";
import type { S3Settings } from "./s3-store.ts";

export type { S3Settings } from "./s3-store.ts";

/** How to make a CAS in a bucket. */
export interface S3CasOptions extends S3Settings {
  /** How long a blob that was there counts as there without asking again. */
  readonly presenceTtlMs: number;
  /** The cache in front of the bucket, on this machine. */
  readonly cache: Omit<FileCasOptions, "liveActions">;
  /** Longest silence of a connection to the bucket. Default 30 s. */
  readonly idleTimeoutMs?: number;
}

/**
 * Opens the CAS in a bucket. Rejects, in words for the operator, when the bucket is not there or denies what is needed; that
 * nobody answers is logged, and calls are UNAVAILABLE until somebody does.
 */
export async function createS3Cas(options: S3CasOptions): Promise<Cas> {
  const { cache: cacheOptions, presenceTtlMs, ...settings } = options;
  const { clock, log } = cacheOptions;
  // The SDK is large, and most servers have no use for it.
  const { openS3Store } = await import("./s3-store.ts");
  await using building = new AsyncDisposableStack();
  const store = building.use(openS3Store({ ...settings, clock, log }));
  await store.check();
  // Whatever goes from the cache is still in the bucket.
  const cache = building.use(await createFileCas({ ...cacheOptions, liveActions: async () => [] }));
  building.move();
  return createRemoteCas({ store, cache, presenceTtlMs, clock, log });
}
