import { randomUUID } from "node:crypto";
import pg from "pg";
import type { Clock } from "../../base/clock.ts";
import { findMigrations, type Migration, type MigrationEvents, pendingMigrations, type Schema } from "../migrations.ts";
import { isConnectionLost, sqlState } from "./store-error.ts";
import { types } from "./value-types.ts";

/** Where to migrate what. */
export interface MigrateOptions {
  /** The server itself: a pooler may take away what a migration needs. */
  readonly url: string;
  /** See findMigrations; the store's own by default. */
  readonly directory?: URL;
  readonly connectTimeoutMs: number;
}

/** The store's migrations. */
const MIGRATIONS = new URL("../migrations/postgres/", import.meta.url);

const OLDEST_SERVER = 140000;

/** Any number, but the same in all versions: who has this lock may change the schema. */
const LOCK = 7_308_905_271;

/** Who waits for a table that something holds lets nobody else have it: so it is not for long, but again and again. */
const LOCK_TIMEOUT_MS = 2000;
const LOCK_RETRY_MS = 1000;
const MOST_LOCK_RETRIES = 100;

/** Not available in time, and a deadlock. */
const LOCKED = new Set(["55P03", "40P01"]);

const CREATE_TABLE = `
  CREATE TABLE IF NOT EXISTS migrations (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at BIGINT NOT NULL
  )`;

const RECORD = `
  INSERT INTO migrations (id, name, applied_at) VALUES ($1, $2, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)`;

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
 * Brings a database to the newest schema, and answers that schema's number: each migration in a transaction of its own, of
 * one process at a time. While it waits for a lock of a table, nobody else waits behind it for longer than two seconds.
 * Throws, in words for the operator, for a database of a newer schema that is not compatible, that is older than
 * PostgreSQL 14 or not in UTF-8, and when a lock cannot be had for minutes.
 */
export async function migrate(options: MigrateOptions, clock: Clock, events: MigrationEvents): Promise<number> {
  const known = findMigrations(options.directory ?? MIGRATIONS);
  return connected(options, async (client) => {
    await checkServer(client);
    for (;;) {
      const result = await stepWithPatience(client, known, clock, events);
      if (typeof result === "number") return result;
      events.applied(result.name);
    }
  });
}

/** What `migrate` would do, without doing it. */
export async function planMigrations(
  options: MigrateOptions,
): Promise<{ schema: Schema; pending: readonly Migration[] }> {
  const known = findMigrations(options.directory ?? MIGRATIONS);
  return connected(options, async (client) => {
    await checkServer(client);
    const { rowCount } = await client.query("SELECT 1 WHERE to_regclass('migrations') IS NOT NULL");
    const schema = rowCount === 0 ? { current: 0, unknown: [] } : await readSchema(client, known);
    return { schema, pending: pendingMigrations(known, schema, "the database") };
  });
}

async function connected<T>(options: MigrateOptions, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const { url: connectionString, connectTimeoutMs: connectionTimeoutMillis } = options;
  const client = new pg.Client({
    connectionString,
    types,
    connectionTimeoutMillis,
    application_name: "opgrid migrate",
  });
  // What it was doing fails and tells.
  client.on("error", () => {});
  await connect(client);
  try {
    return await work(client);
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

async function readSchema(client: pg.Client, known: readonly Migration[]): Promise<Schema> {
  const { rows } = await client.query<{ id: number; name: string }>("SELECT id, name FROM migrations ORDER BY id");
  const unknown = rows.filter(({ id }) => id > known.length).map(({ name }) => name);
  return { current: rows.at(-1)?.id ?? 0, unknown };
}

async function stepWithPatience(
  client: pg.Client,
  known: readonly Migration[],
  clock: Clock,
  events: MigrationEvents,
): Promise<Migration | number> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await step(client, known);
    } catch (error) {
      if (!isConnectionLost(error instanceof MigrationError ? error.cause : error)) await client.query("ROLLBACK");
      if (!(error instanceof MigrationError && error.isLocked) || attempt === MOST_LOCK_RETRIES) throw error;
      if (attempt === 0) events.waiting(error.migration);
      await new Promise<void>((resolve) => void clock.after(LOCK_RETRY_MS, resolve));
    }
  }
}

/** Applies the next migration and answers it; the number of the schema when there is none. */
async function step(client: pg.Client, known: readonly Migration[]): Promise<Migration | number> {
  await client.query(
    "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = 0",
  );
  await client.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
  await client.query(CREATE_TABLE);
  const schema = await readSchema(client, known);
  const [next] = pendingMigrations(known, schema, "the database");
  if (next) await apply(client, next);
  else await client.query(ADOPT, [randomUUID().replaceAll("-", "")]);
  await client.query("COMMIT");
  return next ?? schema.current;
}

async function apply(client: pg.Client, { id, name, sql }: Migration): Promise<void> {
  try {
    await client.query(RECORD, [id, name]);
    await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
    await client.query(sql);
  } catch (cause) {
    throw new MigrationError(name, cause);
  }
}

class MigrationError extends Error {
  readonly migration: string;
  /** Something else held what it needed. */
  readonly isLocked: boolean;

  constructor(migration: string, cause: unknown) {
    super(`migration ${migration} failed: ${cause instanceof Error ? cause.message : cause}`, { cause });
    this.name = "MigrationError";
    this.migration = migration;
    this.isLocked = LOCKED.has(sqlState(cause) ?? "");
  }
}
