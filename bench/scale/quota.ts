import { Worker } from "node:worker_threads";

/**
 * Holds each of the processes to a share of one core until it is disposed of: who has used more than its share of the time
 * so far is stopped (SIGSTOP) until it has not. In a thread of its own, as the load generator's may be late.
 */
export function holdTo(share: number, pids: readonly number[]): AsyncDisposable {
  const worker = new Worker(new URL("quota-thread.ts", import.meta.url), { workerData: { share, pids } });
  const ended = new Promise<void>((resolve, reject) => worker.once("exit", () => resolve()).once("error", reject));
  return {
    [Symbol.asyncDispose]: async () => {
      worker.postMessage("end");
      await ended;
    },
  };
}
