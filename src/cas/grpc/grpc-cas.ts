import { readFile } from "node:fs/promises";
import type { Cas } from "../cas.ts";
import { createFileCas, type FileCasOptions } from "../file-cas.ts";
import { createRemoteCas } from "../remote/remote-cas.ts";
import type { GrpcSettings } from "./grpc-store.ts";

export type { GrpcSettings } from "./grpc-store.ts";

/** How to make a CAS in another CAS. */
export interface GrpcCasOptions extends Omit<GrpcSettings, "tls"> {
  /** Paths of PEM files: the authorities to trust instead of the system's, the certificate to show and its key. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Path of a file with a bearer token. */
  readonly token?: string | undefined;
  /** How long a blob that was there counts as there without asking again. */
  readonly presenceTtlMs: number;
  /** The cache in front of it, on this machine. */
  readonly cache: Omit<FileCasOptions, "liveActions">;
}

type Access = Pick<GrpcCasOptions, "ca" | "cert" | "key" | "token">;

/** What a header can carry. */
const TOKEN = /^[!-~]+$/;

/** Reads the files that a start names. */
async function readAccess(paths: Access): Promise<Pick<GrpcSettings, "tls" | "token">> {
  const read = async (name: keyof Access) => {
    const path = paths[name];
    if (path === undefined) return {};
    try {
      return { [name]: await readFile(path, "utf8") };
    } catch (cause) {
      throw new Error(`cas.grpc.${name}: cannot read ${path}: ${(cause as Error).message}`, { cause });
    }
  };
  const token = (await read("token")).token?.trim();
  if (token !== undefined && !TOKEN.test(token)) throw new Error(`cas.grpc.token: there is no token in ${paths.token}`);
  return { tls: { ...(await read("ca")), ...(await read("cert")), ...(await read("key")) }, token };
}

/**
 * Opens the CAS that another CAS keeps. Rejects, in words for the operator, when that one cannot be used; that nobody answers
 * is logged, and calls are UNAVAILABLE until somebody does.
 */
export async function createGrpcCas(options: GrpcCasOptions): Promise<Cas> {
  const { cache: cacheOptions, presenceTtlMs, url, instance } = options;
  const { clock, log } = cacheOptions;
  const { GrpcStore } = await import("./grpc-store.ts");
  await using building = new AsyncDisposableStack();
  const store = building.use(new GrpcStore({ url, instance, ...(await readAccess(options)), clock, log }));
  await store.check();
  // Whatever goes from the cache is still in the other CAS.
  const cache = building.use(await createFileCas({ ...cacheOptions, liveActions: async () => [] }));
  building.move();
  return createRemoteCas({ store, cache, presenceTtlMs, clock, log });
}
