import { parentPort, workerData } from "node:worker_threads";
import { createStatementCache, openForReading, type SqlValue } from "./connection.ts";
import { type Answer, type Call, handle, type Order, READY, toFailure } from "./thread-protocol.ts";

/** The calls that the thread of long questions serves. */
export type LongReads = { rows(sql: string, params: readonly SqlValue[]): SqlValue[][] };

const STATEMENTS = 16;

if (!parentPort) throw new Error("this module is a thread");
const port = parentPort;
const db = openForReading(workerData as string);
const prepared = createStatementCache<SqlValue[]>(db, STATEMENTS);
const handlers: LongReads = { rows: (sql, params) => prepared(sql).all(...params) };

function answer(call: Call): Answer {
  try {
    return { id: call.id, value: handle(handlers, call) };
  } catch (error) {
    return { id: call.id, failure: toFailure(error) };
  }
}

port.on("message", (order: Order) => {
  if (order === "close") {
    db.close();
    port.close();
    return;
  }
  for (const call of order) port.postMessage([answer(call)]);
});
port.postMessage([{ id: READY, value: undefined }] satisfies Answer[]);
