import type { TestContext } from "node:test";
import { type Logger, silentLog } from "../../src/base/log.ts";
import { createPostgresStore, type PostgresStoreOptions, type Store } from "../../src/store/store.ts";

/** Opens a store on a database; it is closed when the test ends. */
export async function openPostgres(
  t: TestContext,
  options: Omit<PostgresStoreOptions, "log"> & { log?: Logger },
): Promise<Store> {
  const store = await createPostgresStore({ log: silentLog, ...options });
  t.after(() => store[Symbol.asyncDispose]());
  return store;
}

/** Opens several stores on one database, as processes that share it would. */
export function openReplicas(t: TestContext, url: string, count: number): Promise<Store[]> {
  return Promise.all(Array.from({ length: count }, () => openPostgres(t, { url })));
}
