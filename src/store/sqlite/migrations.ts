import { readdirSync, readFileSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { prepare } from "./connection.ts";

interface Migration {
  readonly id: number;
  readonly name: string;
  readonly file: URL;
}

const CREATE_TABLE = `
  CREATE TABLE IF NOT EXISTS migrations (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at INTEGER NOT NULL
  ) STRICT`;

const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;

/**
 * Brings a database to the newest schema of `directory` (a URL that ends with a slash), whose files `NNNN_name.sql` are
 * numbered from 1 without a gap. Each is one transaction; there is no way back. Throws for a database that knows more
 * migrations than the directory.
 */
export function migrate(db: DatabaseSync, directory: URL, now: number): void {
  const known = findMigrations(directory);
  db.exec(CREATE_TABLE);
  const current = prepare<[number]>(db, "SELECT coalesce(max(id), 0) FROM migrations").get()?.[0] ?? 0;
  if (current > known.length) {
    throw new Error(
      `the database ${db.location()} has schema ${current}, this opgrid knows none after ${known.length}: it was written by a newer version`,
    );
  }
  for (const migration of known.slice(current)) apply(db, migration, now);
}

function findMigrations(directory: URL): Migration[] {
  const names = readdirSync(directory).filter((name) => name.endsWith(".sql"));
  return names.sort().map((name, index) => {
    const id = Number(FILE_NAME.exec(name)?.[1]);
    if (id !== index + 1) throw new Error(`${directory.pathname}${name}: expected the migration ${index + 1}`);
    return { id, name, file: new URL(name, directory) };
  });
}

function apply(db: DatabaseSync, { id, name, file }: Migration, now: number): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    // First of all, so that of two programs that migrate at once the later one fails before it changed anything.
    prepare(db, "INSERT INTO migrations (id, name, applied_at) VALUES (?, ?, ?)").run(id, name, now);
    db.exec(readFileSync(file, "utf8"));
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw new Error(`migration ${name} of ${db.location()} failed`, { cause: error });
  }
}
