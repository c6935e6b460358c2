import { parentPort, workerData } from "node:worker_threads";
import { cpuMsOf } from "./processes.ts";

const LOOK_MS = 4;
/** So long may a process save up what it does not use, and be ahead of its share. */
const SAVED_MS = 50;

const { share, pids } = workerData as { share: number; pids: readonly number[] };
const held = pids.map((pid) => ({ pid, stopped: false, seenMs: cpuMsOf(pid), leftMs: 0 }));
let last = performance.now();

function signal(pid: number, name: "SIGSTOP" | "SIGCONT"): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}

const timer = setInterval(() => {
  const now = performance.now();
  for (const each of held) {
    const cpuMs = cpuMsOf(each.pid);
    each.leftMs = Math.min(each.leftMs + (now - last) * share, SAVED_MS * share) - (cpuMs - each.seenMs);
    each.seenMs = cpuMs;
    const stop = each.leftMs < 0;
    if (stop !== each.stopped) signal(each.pid, stop ? "SIGSTOP" : "SIGCONT");
    each.stopped = stop;
  }
  last = now;
}, LOOK_MS);

parentPort?.once("message", () => {
  clearInterval(timer);
  for (const { pid } of held) signal(pid, "SIGCONT");
});
