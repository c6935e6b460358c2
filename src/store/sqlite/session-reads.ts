import type { DatabaseSync } from "node:sqlite";
import { toSession } from "../records.ts";
import { SESSION_COLUMNS, type SessionRow } from "../rows.ts";
import type { SessionRecord } from "../store.ts";
import { prepare } from "./connection.ts";

const SELECT = `SELECT ${SESSION_COLUMNS} FROM sessions`;

/** The questions about bot sessions. */
export function sessionReads(db: DatabaseSync) {
  const get = prepare<SessionRow>(db, `${SELECT} WHERE name = ?`);
  const all = prepare<SessionRow>(db, `${SELECT} ORDER BY name`);
  const ofBot = prepare<SessionRow>(db, `${SELECT} WHERE bot_id = ? ORDER BY name`);
  return {
    getSession: (name: string): SessionRecord | undefined => {
      const row = get.get(name);
      return row && toSession(row);
    },
    sessions: (botId: string | undefined): SessionRecord[] =>
      (botId === undefined ? all.all() : ofBot.all(botId)).map(toSession),
  };
}
