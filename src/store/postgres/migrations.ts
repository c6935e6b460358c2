import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import pg from "pg";
import { types } from "./value-types.ts";

interface Migration {
  readonly id: number;
  readonly name: string;
  readonly sql: string;
}

const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;
const OLDEST_SERVER = 140000;

/** Any number, but the same in all versions: who has this lock may change the schema. */
const LOCK = 7_308_905_271;

const CREATE_TABLE = `
  CREATE TABLE IF NOT EXISTS migrations (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at BIGINT NOT NULL
  )`;

/** A copy of a database in another server may have changes of its future: they become changes of now. */
const ADOPT = `
  WITH this AS MATERIALIZED (SELECT pg_current_xact_id()::text::bigint AS change),
  known AS MATERIALIZED (
    SELECT greatest((SELECT max(changed) FROM operations), (SELECT max(changed) FROM deleted_operations)) AS change
  ), kept AS (
    UPDATE operations SET changed = this.change FROM this, known
    WHERE known.change > this.change AND changed > this.change
  ), dropped AS (
    DELETE FROM deleted_operations USING this, known WHERE known.change > this.change
  )
  UPDATE changes SET id = $1, base = this.change - 1, forgotten = this.change - 1 FROM this, known
  WHERE known.change > this.change`;

/**
 * Brings a database to the newest schema of `directory` (a URL that ends with a slash), whose files `NNNN_name.sql` are
 * numbered from 1 without a gap: all in one transaction, of one process at a time. Throws, in words for the operator, for
 * a database that knows more migrations than the directory, is older than PostgreSQL 14 or not in UTF-8.
 */
export async function migrate(url: string, directory: URL, now: number, connectTimeoutMs: number): Promise<void> {
  const client = new pg.Client({
    ...{ connectionString: url, types, connectionTimeoutMillis: connectTimeoutMs, application_name: "opgrid migrate" },
  });
  // What it was doing fails and tells.
  client.on("error", () => {});
  await connect(client);
  try {
    await client.query("BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0");
    await client.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
    await checkServer(client);
    await bringForward(client, findMigrations(directory), now);
    await client.query(ADOPT, [randomUUID().replaceAll("-", "")]);
    await client.query("COMMIT");
  } finally {
    await client.end();
  }
}

async function connect(client: pg.Client): Promise<void> {
  try {
    await client.connect();
  } catch (cause) {
    // Of several addresses, of which none answered, the message is empty.
    const why = cause instanceof Error ? cause.message || ("code" in cause && cause.code) : cause;
    throw new Error(`cannot connect to the database ${client.database} on ${client.host}:${client.port}: ${why}`, {
      cause,
    });
  }
}

async function checkServer(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ version: string; encoding: string }>(
    "SELECT current_setting('server_version_num') AS version, current_setting('server_encoding') AS encoding",
  );
  const [{ version, encoding } = { version: "0", encoding: "" }] = rows;
  if (Number(version) < OLDEST_SERVER) throw new Error("the store needs PostgreSQL 14 or newer");
  if (encoding !== "UTF8") throw new Error(`the database of the store must be in UTF8, not in ${encoding}`);
}

async function bringForward(client: pg.Client, known: readonly Migration[], now: number): Promise<void> {
  await client.query(CREATE_TABLE);
  const { rows } = await client.query<{ id: number }>("SELECT coalesce(max(id), 0) AS id FROM migrations");
  const current = rows[0]?.id ?? 0;
  if (current > known.length) {
    throw new Error(
      `the database has schema ${current}, this opgrid knows none after ${known.length}: it was written by a newer version`,
    );
  }
  for (const { id, name, sql } of known.slice(current)) {
    await client.query("INSERT INTO migrations (id, name, applied_at) VALUES ($1, $2, $3)", [id, name, now]);
    try {
      await client.query(sql);
    } catch (cause) {
      throw new Error(`migration ${name} failed`, { cause });
    }
  }
}

function findMigrations(directory: URL): Migration[] {
  const names = readdirSync(directory).filter((name) => name.endsWith(".sql"));
  return names.sort().map((name, index) => {
    const id = Number(FILE_NAME.exec(name)?.[1]);
    if (id !== index + 1) throw new Error(`${directory.pathname}${name}: expected the migration ${index + 1}`);
    return { id, name, sql: readFileSync(new URL(name, directory), "utf8") };
  });
}
