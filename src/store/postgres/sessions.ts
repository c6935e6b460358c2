import { propertiesText, toSession } from "../records.ts";
import { SESSION_COLUMNS, type SessionRow } from "../rows.ts";
import type { SessionRecord, Store } from "../store.ts";
import type { Database } from "./database.ts";
import { plainText } from "./statement.ts";
import { sqlState } from "./store-error.ts";
import { together } from "./together.ts";

const SELECT = `SELECT ${SESSION_COLUMNS} FROM sessions`;

/** The statements about bot sessions. */
export const sessionQueries = {
  put: {
    name: "put_session",
    text: `
      INSERT INTO sessions (${SESSION_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
      ON CONFLICT (name) DO UPDATE SET bot_id = excluded.bot_id, parent = excluded.parent, status = excluded.status,
        capacity = excluded.capacity, properties = excluded.properties, version = excluded.version,
        expires_at = excluded.expires_at, updated_at = excluded.updated_at`,
  },
  get: { name: "get_sessions", text: `${SELECT} WHERE name = ANY ($1::text[])` },
  all: { name: "sessions", text: `${SELECT} ORDER BY name` },
  ofBot: { name: "sessions_of_bot", text: `${SELECT} WHERE bot_id = $1 ORDER BY name` },
  remove: {
    name: "delete_session",
    text: `
      WITH gone AS (
        DELETE FROM sessions WHERE name = $1 AND NOT EXISTS (SELECT 1 FROM jobs WHERE session = $1)
      )
      SELECT EXISTS (SELECT 1 FROM jobs WHERE session = $1)`,
  },
} as const;

/** The bot sessions in the store. */
export function sessions(db: Database): Pick<Store, "putSession" | "getSession" | "sessions" | "deleteSession"> {
  const getSession = together<string, SessionRecord | undefined>(async (questions) => {
    const rows = await db.query<SessionRow>(sessionQueries.get, [[...new Set(questions.map(({ key }) => key))]]);
    const found = new Map(rows.map((row) => [row[0], row]));
    for (const { key, resolve } of questions) {
      const row = found.get(plainText(key));
      resolve(row && toSession(row));
    }
  });

  return {
    putSession: async ({ name, botId, parent, status, capacity, properties, version, expiresAt, updatedAt }) => {
      const offer = [status, capacity, propertiesText(properties)];
      await db.query(sessionQueries.put, [name, botId, parent, ...offer, version, expiresAt, updatedAt]);
    },

    getSession,

    sessions: async (botId) => {
      const { all, ofBot } = sessionQueries;
      const rows = await (botId === undefined ? db.query<SessionRow>(all) : db.query<SessionRow>(ofBot, [botId]));
      return rows.map(toSession);
    },

    deleteSession: async (name) => {
      try {
        const [row] = await db.query<[holdsJob: boolean]>(sessionQueries.remove, [name]);
        return row?.[0] === false;
      } catch (error) {
        // It got a job after the statement had looked: the job's foreign key holds it.
        if (sqlState(error) === "23503") return false;
        throw error;
      }
    },
  };
}
