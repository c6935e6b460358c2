import type { DatabaseSync } from "node:sqlite";
import { SESSION_COLUMNS, type SessionRow } from "../rows.ts";
import { prepare } from "./connection.ts";

const PUT = `INSERT OR REPLACE INTO sessions (${SESSION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** The transitions of bot sessions. */
export function sessionWrites(db: DatabaseSync) {
  const put = prepare(db, PUT);
  const holdsJob = prepare<[1]>(db, "SELECT 1 FROM jobs WHERE session = ? LIMIT 1");
  const remove = prepare(db, "DELETE FROM sessions WHERE name = ?");
  return {
    putSession: (row: SessionRow): void => void put.run(...row),

    deleteSession: (name: string): boolean => {
      if (holdsJob.get(name)) return false;
      remove.run(name);
      return true;
    },
  };
}
