import { after } from "node:test";
import pg from "pg";
import { launchPostgres, type PostgresServer } from "./postgres-server.ts";

/** Nothing need survive a crash of the machine. Autovacuum would hold back changes for no reason of a test. */
const SETTINGS = [
  ...["fsync=off", "full_page_writes=off", "autovacuum=off", "max_connections=200"],
  ...["shared_buffers=64MB", "log_min_messages=fatal"],
];

const started = new Set<AsyncDisposable>();
// Here, as a hook that a test makes runs when that test ends.
after(async () => {
  for (const server of started) await server[Symbol.asyncDispose]();
});

let shared: Promise<PostgresServer> | undefined;

/** The server that the tests of this file share; it ends with them. */
export function sharedPostgres(): Promise<PostgresServer> {
  shared ??= startPostgres();
  return shared;
}

/** Starts a server of one's own, in a directory that is removed at the end of the test file. */
export async function startPostgres(): Promise<PostgresServer> {
  const server = await launchPostgres(SETTINGS);
  started.add(server);
  return server;
}

/** Locks the row of a job, as another transaction would, until the answer is called. */
export function holdJob(url: string, id: string): Promise<() => Promise<void>> {
  return holdOpen(url, "SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE", [id]);
}

/** Keeps the schema of a table from changing, as a transaction does that has read of it, until the answer is called. */
export function holdTable(url: string, table: string): Promise<() => Promise<void>> {
  return holdOpen(url, `LOCK TABLE ${table} IN ACCESS SHARE MODE`);
}

async function holdOpen(url: string, statement: string, params: string[] = []): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  await client.query("BEGIN");
  await client.query(statement, params);
  let ended: Promise<void> | undefined;
  return () => {
    ended ??= client.query("ROLLBACK").then(() => client.end());
    return ended;
  };
}
