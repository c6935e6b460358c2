import { readdirSync, readFileSync } from "node:fs";

/** One step of a schema. */
export interface Migration {
  readonly id: number;
  /** The file's, by which the database remembers it. */
  readonly name: string;
  readonly sql: string;
}

/** What of a schema a database has. */
export interface Schema {
  /** The number of its last migration; 0 when it is empty. */
  readonly current: number;
  /** The names of those that this program does not know. */
  readonly unknown: readonly string[];
}

/** What hears how the schema is brought forward. */
export interface MigrationEvents {
  /** It is done and stays, whatever becomes of the next. */
  applied(name: string): void;
  /** It cannot have a table that something else holds, lets others pass and tries again. Told once of each. */
  waiting(name: string): void;
}

/** How to name a migration to people: `0001_initial`. */
export function migrationTitle(name: string): string {
  return name.replace(/(?:\.compatible)?\.sql$/, "");
}

/** Whether programs that do not know the migration can use the database all the same. */
export function isCompatible(name: string): boolean {
  return name.endsWith(COMPATIBLE);
}

const COMPATIBLE = ".compatible.sql";
const FILE_NAME = /^(\d{4})_[a-z0-9_]+(?:\.compatible)?\.sql$/;

/**
 * The migrations of a directory (a URL that ends with a slash), files `NNNN_name.sql` or `NNNN_name.compatible.sql`,
 * numbered from 1 without a gap.
 */
export function findMigrations(directory: URL): Migration[] {
  const names = readdirSync(directory).filter((name) => name.endsWith(".sql"));
  return names.sort().map((name, index) => {
    const id = Number(FILE_NAME.exec(name)?.[1]);
    if (id !== index + 1) throw new Error(`${directory.pathname}${name}: expected the migration ${index + 1}`);
    return { id, name, sql: readFileSync(new URL(name, directory), "utf8") };
  });
}

/**
 * The migrations that a database lacks. Throws for one that has others which this program does not know, unless they are
 * compatible. `database` names it to people.
 */
export function pendingMigrations(
  known: readonly Migration[],
  { current, unknown }: Schema,
  database: string,
): readonly Migration[] {
  const breaking = unknown.find((name) => !isCompatible(name));
  if (breaking === undefined) return known.slice(current);
  throw new Error(
    `${database} has schema ${current}, this opgrid knows none after ${known.length}: it was written by a newer version, and ${migrationTitle(breaking)} is not for older ones`,
  );
}
