import { parentPort, workerData } from "node:worker_threads";
import { openForWriting } from "../../src/store/sqlite/connection.ts";
import type { Order } from "../../src/store/sqlite/thread-protocol.ts";
import { serveWrites } from "../../src/store/sqlite/write-loop.ts";
import type { Writes } from "../../src/store/sqlite/writes.ts";

/** What a test tells the thread. */
export interface FragileThreadData {
  readonly path: string;
  /** The size at which the database counts as full. */
  readonly maxPages?: number;
}

/** The writing thread with one call more, on which it dies. */
export type FragileWrites = Writes & { die(): void };

if (!parentPort) throw new Error("this module is a thread");
const { path, maxPages } = workerData as FragileThreadData;
const db = openForWriting(path);
if (maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${maxPages}`);
parentPort.on("message", (order: Order) => {
  if (order !== "close" && order.some(({ kind }) => kind === "die")) process.exit(1);
});
serveWrites(db, parentPort);
