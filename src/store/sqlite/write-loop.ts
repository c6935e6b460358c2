import type { DatabaseSync } from "node:sqlite";
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { type Answer, type Call, type Failure, handle, type Order, READY, toFailure } from "./thread-protocol.ts";
import { createWrites } from "./writes.ts";

/** Bounds how long the first call of a group waits for the last. */
const MOST_IN_A_GROUP = 1000;

/**
 * Serves the calls that arrive at a port until told to close, then closes database and port. All calls that have arrived
 * are one transaction: one wait for the disk serves them all. Each is a savepoint, so that one which fails takes no other
 * with it, and is answered when the transaction is durable.
 */
export function serveWrites(db: DatabaseSync, port: MessagePort): void {
  const commit = createCommit(db);
  port.on("message", (first: Order) => {
    const { calls, closing } = takeGroup(port, first);
    if (calls.length > 0) port.postMessage(commit(calls));
    if (!closing) return;
    // The last connection to close moves everything into the one file. Where it cannot, the log stays and nothing is lost.
    db.close();
    port.close();
  });
  port.postMessage([{ id: READY, value: undefined }] satisfies Answer[]);
}

function takeGroup(port: MessagePort, first: Order): { calls: readonly Call[]; closing: boolean } {
  const calls: Call[] = [];
  let order: Order | undefined = first;
  while (order !== undefined && order !== "close") {
    for (const call of order) calls.push(call);
    order = calls.length < MOST_IN_A_GROUP ? receiveMessageOnPort(port)?.message : undefined;
  }
  return { calls, closing: order === "close" };
}

function createCommit(db: DatabaseSync): (calls: readonly Call[]) => Answer[] {
  const attempt = createAttempt(db);
  return (calls) => {
    try {
      db.exec("BEGIN IMMEDIATE");
      const answers = calls.map(attempt);
      db.exec("COMMIT");
      return answers;
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      const failure: Failure = toFailure(error);
      return calls.map(({ id }) => ({ id, failure }));
    }
  };
}

function createAttempt(db: DatabaseSync): (call: Call) => Answer {
  const writes = createWrites(db);
  const begin = db.prepare("SAVEPOINT attempt");
  const keep = db.prepare("RELEASE attempt");
  return (call) => {
    begin.run();
    try {
      const value = handle(writes, call);
      keep.run();
      return { id: call.id, value };
    } catch (error) {
      // After a full disk and the like SQLite has rolled back the whole transaction: then the group fails.
      if (!db.isTransaction) throw error;
      db.exec("ROLLBACK TO attempt; RELEASE attempt");
      return { id: call.id, failure: toFailure(error) };
    }
  };
}
