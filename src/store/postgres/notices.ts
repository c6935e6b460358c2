import pg from "pg";
import type { Clock, Timer } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { isDirect, processId } from "./database.ts";

/** What wakes those who wait for changes. */
export interface NoticesOptions {
  /** Where to listen: the server itself, not a pooler. */
  readonly url: string;
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when it listens again after it could not. */
  readonly reconnected: () => void;
}

const CHANNEL = "opgrid_changes";
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 10_000;

/** Under a stream of changes others are told this often. */
const PACE_MS = 10;

/** How long a lost notice can go unnoticed. */
const TICK_MS = 2000;

/** How long to wait for transactions that hide what was committed after them: most take no time, some take long. */
const SHORTEST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 1000;

/**
 * Tells the listeners of this process of its own changes at once, and other processes by NOTIFY, on one connection for
 * both. Notices carry nothing and are not part of the transactions that they tell of: a NOTIFY in each would make all
 * transactions of the server commit one after another. One is under way at a time, for all changes until it starts. That
 * one can be lost with the process or the connection is made up for by a tick, and by waking all after each reconnect.
 */
export class Notices implements AsyncDisposable {
  readonly #options: NoticesOptions;
  readonly #listeners = new Set<() => void>();
  #client: pg.Client | undefined;
  #connecting: Promise<void> | undefined;
  #sending: Promise<void> | undefined;
  #unsent = false;
  #sentAt = Number.NEGATIVE_INFINITY;
  #closed = false;
  #failures = 0;
  #tick: Timer | undefined;
  #retry: Timer | undefined;
  #hidden: Timer | undefined;
  #sendLater: Timer | undefined;
  #hiddenMs = SHORTEST_WAIT_MS;

  constructor(options: NoticesOptions) {
    this.#options = options;
  }

  /** Starts to listen, and resolves when that works or has failed for the first time. */
  async start(): Promise<void> {
    this.#scheduleTick();
    await this.#connect();
  }

  onChange(wake: () => void): () => void {
    this.#listeners.add(wake);
    return () => void this.#listeners.delete(wake);
  }

  /** To be called after each change. */
  changed(): void {
    this.#wake();
    this.#unsent = true;
    this.#send();
  }

  /** To be called by who has read changes: whether there are some that cannot be read yet. */
  haveRead(areHidden: boolean): void {
    if (!areHidden) this.#hiddenMs = SHORTEST_WAIT_MS;
    if (!areHidden || this.#hidden) return;
    this.#hidden = this.#options.clock.after(this.#hiddenMs, () => {
      this.#hidden = undefined;
      this.#wake();
    });
    this.#hiddenMs = Math.min(this.#hiddenMs * 2, LONGEST_WAIT_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const timer of [this.#tick, this.#retry, this.#hidden, this.#sendLater]) timer?.cancel();
    await this.#connecting;
    await this.#sending;
    if (this.#unsent) this.#sendNow();
    await this.#sending;
    await this.#client?.end().catch(() => {});
  }

  #wake(): void {
    for (const wake of this.#listeners) wake();
  }

  #send(): void {
    if (this.#sending || this.#sendLater || this.#closed) return;
    const { clock } = this.#options;
    const waitMs = this.#sentAt + PACE_MS - clock.monotonic();
    if (waitMs <= 0) this.#sendNow();
    else
      this.#sendLater = clock.after(waitMs, () => {
        this.#sendLater = undefined;
        this.#sendNow();
      });
  }

  #sendNow(): void {
    const client = this.#client;
    if (!client) return;
    this.#unsent = false;
    this.#sentAt = this.#options.clock.monotonic();
    this.#sending = client
      .query(`NOTIFY ${CHANNEL}`)
      .then(() => {})
      .catch(() => {
        this.#unsent = true;
        this.#lose(client);
      })
      .finally(() => {
        this.#sending = undefined;
        if (this.#unsent) this.#send();
      });
  }

  /** Looks whether the connection still is one, as nothing may come on it for long. */
  #scheduleTick(): void {
    this.#tick = this.#options.clock.after(TICK_MS, () => {
      const client = this.#client;
      client?.query("SELECT").catch(() => this.#lose(client));
      this.#wake();
      this.#scheduleTick();
    });
  }

  #connect(): Promise<void> {
    this.#connecting = this.#open().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #open(): Promise<void> {
    const { url, connectTimeoutMs } = this.#options;
    const client = new pg.Client({
      ...{ connectionString: url, application_name: "opgrid notices", keepAlive: true },
      ...{ connectionTimeoutMillis: connectTimeoutMs, query_timeout: connectTimeoutMs },
    });
    client.on("error", () => this.#lose(client));
    client.on("end", () => this.#lose(client));
    client.on("notification", ({ processId: from }) => {
      if (from !== processId(client)) this.#wake();
    });
    try {
      await client.connect();
      if (!(await isDirect(client)))
        throw new Error("there is a pooler before the server, through which none can listen");
      await client.query(`LISTEN ${CHANNEL}`);
      this.#opened(client);
    } catch (err) {
      this.#failed(err);
      await client.end().catch(() => {});
    }
  }

  #opened(client: pg.Client): void {
    const failed = this.#failures > 0;
    if (failed) this.#options.log.info({}, "listening for changes again");
    this.#client = client;
    this.#failures = 0;
    if (failed) this.#options.reconnected();
    // Whatever was said meanwhile, here and there.
    this.#wake();
    this.#send();
  }

  #failed(err: unknown): void {
    const message = "cannot listen for changes of other processes; looking every 2 s";
    if (this.#failures === 0) this.#options.log.warn({ err }, message);
    this.#failures += 1;
    if (this.#closed) return;
    const delay = Math.min(FIRST_RETRY_MS * 2 ** (this.#failures - 1), LONGEST_RETRY_MS);
    this.#retry = this.#options.clock.after(delay, () => void this.#connect());
  }

  #lose(client: pg.Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    void client.end().catch(() => {});
    if (!this.#closed) this.#failed(new Error("the connection was lost"));
  }
}
