import { parentPort, workerData } from "node:worker_threads";
import { openForWriting } from "./connection.ts";
import { serveWrites } from "./write-loop.ts";

if (!parentPort) throw new Error("this module is a thread");
serveWrites(openForWriting(workerData as string), parentPort);
