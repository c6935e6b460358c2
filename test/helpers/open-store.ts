import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { systemClock } from "../../src/base/clock.ts";
import { type Logger, silentLog } from "../../src/base/log.ts";
import { createPostgresStore, createSqliteStore, type Store } from "../../src/store/store.ts";
import { sharedPostgres } from "./postgres.ts";

/** The engines that there are. */
export type Backend = "sqlite" | "postgres";

/** The engines that the contract suites run on: SQLite, unless TEST_STORES names another. */
export const backends: readonly [Backend] = process.env.TEST_STORES === "postgres" ? ["postgres"] : ["sqlite"];

/** What a test may choose of its store. */
export interface OpenStoreOptions {
  /** A fresh one by default, removed with the test. One that is given stays. */
  readonly dataDir?: string;
  readonly log?: Logger;
}

const openers: Record<Backend, (dataDir: string, log: Logger) => Promise<Store>> = {
  sqlite: (dataDir, log) => createSqliteStore({ dataDir, log, clock: systemClock }),
  postgres: async (dataDir, log) => createPostgresStore({ url: await databaseOf(dataDir), log, clock: systemClock }),
};

/** Databases by the data directory that an embedded store would have in their stead. */
const databases = new Map<string, Promise<string>>();

function databaseOf(dataDir: string): Promise<string> {
  const url = databases.get(dataDir) ?? sharedPostgres().then((server) => server.createDatabase());
  databases.set(dataDir, url);
  return url;
}

/** Makes a directory that is removed when the test ends. */
export async function temporaryDir(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "opgrid-store-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Opens an empty store of the engine; it is closed, and what it kept removed, when the test ends. */
export async function openStore(t: TestContext, backend: Backend, options: OpenStoreOptions = {}): Promise<Store> {
  const { log = silentLog } = options;
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "opgrid-store-")));
  const store = await openers[backend](dataDir, log);
  t.after(async () => {
    await store[Symbol.asyncDispose]();
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
  });
  return store;
}
