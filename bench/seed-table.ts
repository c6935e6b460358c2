import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { silentLog } from "../src/base/log.ts";
import { createSqliteStore } from "../src/store/store.ts";
import { createRows } from "./table-rows.ts";

/** After so many operations a signal is heard. */
const BATCH = 5_000;
/** So that the upper pages of all indexes stay in memory. */
const CACHE_KIB = 256 * 1024;
/** Nobody wants back what was written when this is interrupted. */
const PRAGMAS = `PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -${CACHE_KIB}`;

/**
 * Fills the store of a data directory that no server uses with as many operations. Past the store's own writing, which
 * would take minutes for a million; the schema is the store's own. What no list reads is left out: the history of jobs.
 */
export async function seedTable(dataDir: string, instance: string, count: number): Promise<void> {
  await (await createSqliteStore({ dataDir, log: silentLog }))[Symbol.asyncDispose]();
  using db = new DatabaseSync(join(dataDir, "opgrid.db"));
  db.exec(PRAGMAS);
  db.exec("BEGIN");
  await insertAll(db, createRows(instance, count), count);
  db.exec("COMMIT");
}

async function insertAll(db: DatabaseSync, rows: ReturnType<typeof createRows>, count: number): Promise<void> {
  const insertJob = inserter(db, "jobs");
  const insertPayload = inserter(db, "job_payloads");
  const insertOperation = inserter(db, "operations");
  inserter(db, "platforms")(rows.platform);
  rows.sessions.forEach(inserter(db, "sessions"));
  for (let index = 0; index < count; index++) {
    const { job, payload, operation } = rows.at(index);
    insertJob(job);
    if (payload) insertPayload(payload);
    insertOperation(operation);
    if (index % BATCH === 0) await setImmediate();
  }
}

type Row = Readonly<Record<string, SQLInputValue>>;

/** Inserts rows that all have the same columns in the same order. */
function inserter(db: DatabaseSync, table: string): (row: Row) => void {
  let insert: ReturnType<DatabaseSync["prepare"]> | undefined;
  return (row) => {
    const columns = Object.keys(row);
    const values = columns.map(() => "?").join(", ");
    insert ??= db.prepare(`INSERT INTO ${table} (${columns.join(", ")}) VALUES (${values})`);
    insert.run(...Object.values(row));
  };
}
