import type { DatabaseSync } from "node:sqlite";
import { findMigrations, type Migration, pendingMigrations, type Schema } from "../migrations.ts";
import { prepare } from "./connection.ts";

const CREATE_TABLE = `
  CREATE TABLE IF NOT EXISTS migrations (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at INTEGER NOT NULL
  ) STRICT`;

/**
 * Brings a database to the newest schema of a directory, see findMigrations; calls `applied` with the name of each
 * migration. Each is one transaction; there is no way back. Throws for a database of a newer schema that is not
 * compatible.
 */
export function migrate(db: DatabaseSync, directory: URL, now: number, applied?: (name: string) => void): void {
  const known = findMigrations(directory);
  db.exec(CREATE_TABLE);
  for (const migration of pendingMigrations(known, readSchema(db, known), nameOf(db))) {
    apply(db, migration, now);
    applied?.(migration.name);
  }
}

/** What `migrate` would do, without doing it. */
export function planMigrations(db: DatabaseSync, directory: URL): { schema: Schema; pending: readonly Migration[] } {
  const known = findMigrations(directory);
  const isEmpty = prepare(db, "SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").get() === undefined;
  const schema = isEmpty ? { current: 0, unknown: [] } : readSchema(db, known);
  return { schema, pending: pendingMigrations(known, schema, nameOf(db)) };
}

function readSchema(db: DatabaseSync, known: readonly Migration[]): Schema {
  const current = prepare<[number]>(db, "SELECT coalesce(max(id), 0) FROM migrations").get()?.[0] ?? 0;
  const unknown = prepare<[string]>(db, "SELECT name FROM migrations WHERE id > ? ORDER BY id").all(known.length);
  return { current, unknown: unknown.map(([name]) => name) };
}

function nameOf(db: DatabaseSync): string {
  return `the database ${db.location()}`;
}

function apply(db: DatabaseSync, { id, name, sql }: Migration, now: number): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    // First of all, so that of two programs that migrate at once the later one fails before it changed anything.
    prepare(db, "INSERT INTO migrations (id, name, applied_at) VALUES (?, ?, ?)").run(id, name, now);
    db.exec(sql);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw new Error(`migration ${name} of ${db.location()} failed: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}
