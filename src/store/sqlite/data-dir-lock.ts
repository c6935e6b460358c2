import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Result, resultCode } from "./result-codes.ts";

/**
 * Takes a data directory for this process, until disposed of or until the process ends in any way. Throws when another
 * process has it.
 */
export function lockDataDir(dataDir: string): Disposable {
  // SQLite's exclusive lock is one of the operating system: unlike a file with a process id, it cannot outlive its owner.
  const db = new DatabaseSync(join(dataDir, "lock.db"));
  try {
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (resultCode(error) !== Result.BUSY) throw error;
    throw new Error(`the data directory ${dataDir} is in use by another opgrid process`);
  }
  return { [Symbol.dispose]: () => db.close() };
}
