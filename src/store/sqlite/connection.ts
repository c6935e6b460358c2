import { DatabaseSync, type SQLInputValue } from "node:sqlite";

/** What a column or a parameter may be. */
export type SqlValue = null | number | string | Uint8Array;

/** A prepared statement whose rows are tuples in the order of its columns. */
export interface Statement<Row> {
  get(...params: SqlValue[]): Row | undefined;
  all(...params: SqlValue[]): Row[];
  /** Answers how many rows changed. */
  run(...params: SqlValue[]): number;
}

const WRITER_PRAGMAS = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA wal_autocheckpoint = 8000;
  PRAGMA journal_size_limit = 67108864;
`;

/** SQLite's own 2 MiB do not hold the upper pages of the indexes of a million operations. */
const READER_CACHE_KIB = 32 * 1024;

/** How long a connection waits for another program that has the file locked. */
const BUSY_TIMEOUT_MS = 5000;

/** Opens the database for writing: what it commits survives a crash of the machine. Creates the file if need be. */
export function openForWriting(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  db.exec(WRITER_PRAGMAS);
  return db;
}

/** Opens an existing database for reading; each statement sees all that was committed before it. */
export function openForReading(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  db.exec(`PRAGMA cache_size = -${READER_CACHE_KIB}`);
  return db;
}

/** Prepares a statement for the life of the connection. */
export function prepare<Row extends readonly SqlValue[] = never>(db: DatabaseSync, sql: string): Statement<Row> {
  const statement = db.prepare(sql);
  // Arrays are a third cheaper to build than objects, and to hand to another thread.
  statement.setReturnArrays(true);
  return {
    get: (...params) => statement.get(...(params as SQLInputValue[])) as unknown as Row | undefined,
    all: (...params) => statement.all(...(params as SQLInputValue[])) as unknown as Row[],
    run: (...params) => Number(statement.run(...(params as SQLInputValue[])).changes),
  };
}

/** Prepares statements as they come and keeps the `size` most recently used. */
export function createStatementCache<Row extends readonly SqlValue[]>(
  db: DatabaseSync,
  size: number,
): (sql: string) => Statement<Row> {
  const statements = new Map<string, Statement<Row>>();
  return (sql) => {
    const statement = statements.get(sql) ?? prepare<Row>(db, sql);
    statements.delete(sql);
    statements.set(sql, statement);
    const [oldest] = statements.keys();
    if (statements.size > size && oldest !== undefined) statements.delete(oldest);
    return statement;
  };
}
