import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openForReading, openForWriting } from "./connection.ts";
import { lockDataDir } from "./data-dir-lock.ts";
import { migrate, planMigrations } from "./migrations.ts";

const MIGRATIONS = new URL("../migrations/sqlite/", import.meta.url);

/** The database of a data directory. */
export function databasePath(dataDir: string): string {
  return join(dataDir, "opgrid.db");
}

/** Brings the database of a directory, which this process has locked, to the newest schema; it is made when missing. */
export function migrateFile(dataDir: string, now: number, applied?: (name: string) => void): void {
  const db = openForWriting(databasePath(dataDir));
  try {
    migrate(db, MIGRATIONS, now, applied);
  } finally {
    db.close();
  }
}

/** The same for a directory that nobody has locked, which is made as well; answers the schema's number. */
export async function migrateDataDir(dataDir: string, now: number, applied: (name: string) => void): Promise<number> {
  await mkdir(dataDir, { recursive: true });
  using _lock = lockDataDir(dataDir);
  migrateFile(dataDir, now, applied);
  return planDataDir(dataDir).schema.current;
}

/** What the next start would do to a directory, which may be missing or in use. */
export function planDataDir(dataDir: string): ReturnType<typeof planMigrations> {
  const path = databasePath(dataDir);
  const db = existsSync(path) ? openForReading(path) : new DatabaseSync(":memory:");
  try {
    return planMigrations(db, MIGRATIONS);
  } finally {
    db.close();
  }
}
