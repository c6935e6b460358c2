import type { Cas } from "../cas.ts";
import { createFileCas, type FileCasOptions } from "../file-cas.ts";
import { createRemoteCas } from "../remote/remote-cas.ts";
import type { GrpcSettings } from "./grpc-store.ts";

export type { GrpcSettings } from "./grpc-store.ts";

/** How to make a CAS in another CAS. */
export interface GrpcCasOptions extends GrpcSettings {
  /** How long a blob that was there counts as there without asking again. */
  readonly presenceTtlMs: number;
  /** The cache in front of it, on this machine. */
  readonly cache: Omit<FileCasOptions, "liveActions">;
}

/**
 * Opens the CAS that another CAS keeps. Rejects, in words for the operator, when that one cannot be used; that nobody answers
 * is logged, and calls are UNAVAILABLE until somebody does.
 */
export async function createGrpcCas(options: GrpcCasOptions): Promise<Cas> {
  const { cache: cacheOptions, presenceTtlMs, ...settings } = options;
  const { clock, log } = cacheOptions;
  const { GrpcStore } = await import("./grpc-store.ts");
  await using building = new AsyncDisposableStack();
  const store = building.use(new GrpcStore({ ...settings, clock, log }));
  await store.check();
  // Whatever goes from the cache is still in the other CAS.
  const cache = building.use(await createFileCas({ ...cacheOptions, liveActions: async () => [] }));
  building.move();
  return createRemoteCas({ store, cache, presenceTtlMs, clock, log });
}
