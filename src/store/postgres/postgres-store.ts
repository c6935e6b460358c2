import { randomUUID } from "node:crypto";
import { type Clock, systemClock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Store } from "../store.ts";
import { actionResults } from "./action-results.ts";
import { Calls } from "./calls.ts";
import { changePlaces } from "./change-places.ts";
import { changeReads } from "./change-reads.ts";
import { claims } from "./claims.ts";
import { type Database, openDatabase } from "./database.ts";
import { DatabaseClock } from "./database-clock.ts";
import { deletions } from "./deletions.ts";
import { endWrites } from "./end-writes.ts";
import { farmReads } from "./farm-reads.ts";
import { figures } from "./figures.ts";
import { jobReads } from "./job-reads.ts";
import { jobWrites } from "./job-writes.ts";
import { migrate } from "./migrations.ts";
import { newsReads } from "./news-reads.ts";
import { Notices } from "./notices.ts";
import { operationReads } from "./operation-reads.ts";
import { operationWrites } from "./operation-writes.ts";
import { createOwnChanges, type OwnChanges } from "./own-changes.ts";
import { sessions } from "./sessions.ts";
import { askTime, sharing } from "./sharing.ts";
import { submitWrites } from "./submit-writes.ts";

/** What the store on PostgreSQL needs. */
export interface PostgresStoreOptions {
  /** `postgres://user:password@host:port/database`, as libpq has it; may lead through a pooler. */
  readonly url: string;
  /** The server itself, for notices and migrations, where `url` leads through a pooler; `url` by default. */
  readonly directUrl?: string | undefined;
  readonly log: Logger;
  /** For timers; the machine's clock by default. The time is the database's: the store's `shared.clock`. */
  readonly clock?: Clock;
  /** The most connections of this process at a time, besides the one that listens; 10 by default. */
  readonly maxConnections?: number;
  /** How long one statement may take; 30 s by default. */
  readonly statementTimeoutMs?: number;
  /** How long a call waits for a connection before it is UNAVAILABLE; 5 s by default. */
  readonly connectTimeoutMs?: number;
}

const MAX_CONNECTIONS = 10;
const STATEMENT_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 5000;

/**
 * Opens a store that any number of processes share. Throws, in words for the operator, when the database cannot be
 * reached, when a newer version wrote it, and when it is too old.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { url, directUrl = url, log, clock = systemClock, connectTimeoutMs = CONNECT_TIMEOUT_MS } = options;
  const { maxConnections = MAX_CONNECTIONS, statementTimeoutMs = STATEMENT_TIMEOUT_MS } = options;
  await migrate({ url: directUrl, connectTimeoutMs }, clock, {
    applied: (migration) => log.info({ migration }, "the schema was brought forward"),
    waiting: (migration) => log.warn({ migration }, "a table is in use; waiting to change the schema"),
  });
  await using opening = new AsyncDisposableStack();
  const limits = { maxConnections, statementTimeoutMs, connectTimeoutMs };
  const db = opening.use(openDatabase({ url, log, ...limits }));
  const time = opening.use(new DatabaseClock({ clock, log, ask: () => askTime(db) }));
  await time.start();
  const own = createOwnChanges();
  const reconnected = () => {
    own.clear();
    void time.measure();
  };
  const notices = opening.use(new Notices({ url: directUrl, connectTimeoutMs, clock, log, reconnected }));
  await notices.start();
  return storeOf({ db, time, notices, own, resources: opening.move() });
}

interface Parts {
  readonly db: Database;
  readonly time: Clock;
  readonly notices: Notices;
  readonly own: OwnChanges;
  readonly resources: AsyncDisposableStack;
}

function storeOf({ db, time, notices, own, resources }: Parts): Store {
  /** Makes a transition of operations one that is told of, unless its answer says that it was none. */
  function telling<A extends unknown[], T>(
    transition: (...input: A) => Promise<T>,
    isChange: (answer: T) => boolean = () => true,
  ): (...input: A) => Promise<T> {
    return async (...input) => {
      const answer = await transition(...input);
      if (isChange(answer)) notices.changed();
      return answer;
    };
  }

  const calls = new Calls();
  const { submit } = submitWrites(db, own);
  const { claim } = claims(db, own);
  const { reportProgress, requeue } = jobWrites(db);
  const { complete, killJob } = endWrites(db, own);
  const { markPolled, cancelOperation } = operationWrites(db);
  const { deleteOperation, pruneOperations } = deletions(db);
  const places = changePlaces(db);
  const haveRead = (areHidden: boolean) => notices.haveRead(areHidden);
  let closed: Promise<void> | undefined;

  const methods = calls.track({
    ready: async () => void (await db.query("SELECT 1")),
    submit: telling(submit),
    markPolled,
    cancelOperation: telling(cancelOperation),
    killJob: telling(killJob),
    deleteOperation: telling(deleteOperation),
    pruneOperations: telling(pruneOperations),
    claim: telling(claim, (jobs) => jobs.length > 0),
    reportProgress: telling(reportProgress),
    requeue: telling(requeue),
    complete: telling(complete),
    ...operationReads(db),
    ...jobReads(db),
    ...farmReads(db),
    ...sessions(db),
    ...actionResults(db),
    ...figures(db),
    ...changeReads(db, { places, haveRead }),
  });
  return {
    shared: {
      clock: time,
      ...calls.track({ ...sharing(db, randomUUID()), ...newsReads(db, { places, own, haveRead }) }),
    },
    ...methods,
    onChange: (wake) => notices.onChange(wake),
    [Symbol.asyncDispose]: () => {
      closed ??= calls.end().then(() => resources.disposeAsync());
      return closed;
    },
  };
}
