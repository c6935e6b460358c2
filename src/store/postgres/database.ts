import pg from "pg";
import type { Logger } from "../../base/log.ts";
import { type Param, plainParam, type Queries, type Statement } from "./statement.ts";
import { isConnectionLost, isRetryable, sqlState, storeError, unreachable } from "./store-error.ts";
import { types } from "./value-types.ts";

/** How to reach a database, and how much of it one process may take. */
export interface DatabaseOptions {
  /** `postgres://user:password@host:port/name?sslmode=...` */
  readonly url: string;
  /** The most connections at a time. */
  readonly maxConnections: number;
  /** How long a statement may take. */
  readonly statementTimeoutMs: number;
  /** How long to wait for a connection: a new one, or one of the most that there may be. */
  readonly connectTimeoutMs: number;
  readonly log: Logger;
}

/** The database, by way of a pool of connections. Failures are typed errors; conflicts between transactions are retried. */
export interface Database extends Queries, AsyncDisposable {
  /** Runs statements as one transaction. They may run several times, each time in a transaction that starts anew. */
  transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T>;
}

const MOST_RETRIES = 10;
const IDLE_CONNECTION_MS = 30_000;

/** How much later than the server the client gives up on a statement: for a server that does not answer at all. */
const GRACE_MS = 5000;

/** "There is no such prepared statement", "there is one already": something between here and the server mixes connections. */
const MIXED_CONNECTIONS = new Set(["26000", "42P05"]);

/** Opens a pool, and no connection yet. */
export function openDatabase(options: DatabaseOptions): Database {
  return new PooledDatabase(options);
}

/**
 * True when the connection leads to a server and not to a pooler, which would give each transaction to another server
 * process: a pooler makes up the process id by which a client cancels statements.
 */
export async function isDirect(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  return rows[0]?.pid === processId(client);
}

/** The process of the server, as the protocol told it. */
export function processId(client: pg.ClientBase): number | undefined {
  return "processID" in client && typeof client.processID === "number" ? client.processID : undefined;
}

class PooledDatabase implements Database {
  readonly #pool: pg.Pool;
  readonly #log: Logger;
  readonly #statementTimeoutMs: number;
  /** The connections that keep what is prepared on them. */
  readonly #direct = new WeakSet<pg.ClientBase>();
  #mixed = false;
  #reachable = true;

  constructor({ url, maxConnections, statementTimeoutMs, connectTimeoutMs, log }: DatabaseOptions) {
    this.#log = log;
    this.#statementTimeoutMs = statementTimeoutMs;
    this.#pool = new pg.Pool({
      ...{ connectionString: url, max: maxConnections, types, application_name: "opgrid", keepAlive: true },
      ...{ connectionTimeoutMillis: connectTimeoutMs, idleTimeoutMillis: IDLE_CONNECTION_MS },
      query_timeout: statementTimeoutMs + GRACE_MS,
      onConnect: (client) => this.#welcome(client),
    });
    // An idle connection that breaks is replaced; who needs one and gets none is told.
    this.#pool.on("error", ({ message }) => log.debug({ reason: message }, "an idle connection to the database broke"));
  }

  query<Row extends readonly unknown[]>(statement: Statement | string, params: readonly Param[] = []): Promise<Row[]> {
    return this.#run((client) => this.#send<Row>(client, statement, params));
  }

  transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    return this.#run(async (client) => {
      await client.query(`BEGIN; SET LOCAL statement_timeout = ${this.#statementTimeoutMs}`);
      try {
        const result = await work({
          query: (statement, params = []) => this.#send(client, statement, params),
        });
        await client.query("COMMIT");
        return result;
      } catch (error) {
        if (!isConnectionLost(error)) await client.query("ROLLBACK");
        throw error;
      }
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#pool.end();
  }

  async #run<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const client = await this.#connect();
      try {
        const result = await work(client);
        client.release();
        return result;
      } catch (error) {
        client.release(isConnectionLost(error));
        const isMixed = MIXED_CONNECTIONS.has(sqlState(error) ?? "");
        if (isMixed) this.#mixed = true;
        if (!(isMixed || isRetryable(error)) || attempt >= MOST_RETRIES) throw storeError(error);
      }
    }
  }

  async #send<Row extends readonly unknown[]>(
    client: pg.ClientBase,
    statement: Statement | string,
    params: readonly Param[],
  ): Promise<Row[]> {
    const { name, text } = typeof statement === "string" ? { text: statement } : statement;
    const kept = name !== undefined && !this.#mixed && this.#direct.has(client);
    const values = params.map(plainParam);
    const { rows } = await client.query<unknown[]>({ text, values, rowMode: "array", ...(kept && { name }) });
    return rows as unknown as Row[];
  }

  async #connect(): Promise<pg.PoolClient> {
    try {
      const client = await this.#pool.connect();
      if (!this.#reachable) this.#log.info({}, "the database can be reached again");
      this.#reachable = true;
      return client;
    } catch (err) {
      if (this.#reachable) this.#log.warn({ err }, "the database cannot be reached");
      this.#reachable = false;
      throw unreachable();
    }
  }

  /** A pooler takes no settings for a connection: there the database or the role has to have them. */
  async #welcome(client: pg.ClientBase): Promise<void> {
    // Whatever runs on it fails and tells; without a listener the loss of a connection would end the process.
    client.on("error", () => {});
    if (!(await isDirect(client))) return;
    const timeout = this.#statementTimeoutMs;
    await client.query(
      `SET statement_timeout = ${timeout}; SET idle_in_transaction_session_timeout = ${timeout}; SET jit = off`,
    );
    this.#direct.add(client);
  }
}
