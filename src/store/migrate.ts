import type { Clock } from "../base/clock.ts";
import { isCompatible, type MigrationEvents, migrationTitle } from "./migrations.ts";
import { migrateDataDir, planDataDir } from "./sqlite/data-dir-schema.ts";

/** Whose schema it is about. */
export interface SchemaPlace {
  /** `sqlite`, or the URL of a database in PostgreSQL. */
  readonly url: string;
  readonly directUrl?: string | undefined;
  readonly connectTimeoutMs: number;
  /** Where SQLite's database is. */
  readonly dataDir: string;
}

/** The schema as it is, and what is to do: migrations by titles like `0001_initial`, and whether older versions bear them. */
export interface SchemaPlan {
  /** The number of the last migration. */
  readonly current: number;
  readonly pending: readonly { readonly title: string; readonly compatible: boolean }[];
}

/**
 * Brings the schema of a store forward as its opening would; answers its number. A database in PostgreSQL may be in use
 * meanwhile, SQLite's may not. Throws, in words for the operator, whenever opening the store would.
 */
export async function migrateStore(place: SchemaPlace, clock: Clock, events: MigrationEvents): Promise<number> {
  const titled: MigrationEvents = {
    applied: (name) => events.applied(migrationTitle(name)),
    waiting: (name) => events.waiting(migrationTitle(name)),
  };
  if (place.url === "sqlite") return migrateDataDir(place.dataDir, clock.now(), titled.applied);
  const { migrate } = await import("./postgres/migrations.ts");
  return migrate(toServer(place), clock, titled);
}

/** What `migrateStore` would do; changes nothing, and works while a store is in use. Throws as that does. */
export async function planMigration(place: SchemaPlace): Promise<SchemaPlan> {
  const { schema, pending } = await plan(place);
  const planned = pending.map(({ name }) => ({ title: migrationTitle(name), compatible: isCompatible(name) }));
  return { current: schema.current, pending: planned };
}

async function plan(place: SchemaPlace) {
  if (place.url === "sqlite") return planDataDir(place.dataDir);
  const { planMigrations } = await import("./postgres/migrations.ts");
  return planMigrations(toServer(place));
}

function toServer({ url, directUrl = url, connectTimeoutMs }: SchemaPlace) {
  return { url: directUrl, connectTimeoutMs };
}
