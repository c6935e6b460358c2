import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ, which is 100 on every Linux. */
const TICK_MS = 10;

/** What a process has used so far, and who started it. */
interface ProcessTimes {
  readonly parent: number;
  readonly ownMs: number;
  /** Of children that have ended. */
  readonly endedMs: number;
}

/** The processor time of a process, all its threads, in milliseconds; 0 of one that is not there. */
export function cpuMsOf(pid: number): number {
  return timesOf(pid)?.ownMs ?? 0;
}

/** The processor time of a process and of its children, those that have ended included, in milliseconds. */
export function cpuMsOfFamily(pid: number): number {
  const own = timesOf(pid);
  if (!own) return 0;
  return childrenOf(pid).reduce((sum, child) => sum + cpuMsOf(child), own.ownMs + own.endedMs);
}

/** The memory of processes in MiB, of what they share with others each its part. */
export function memoryMib(pids: readonly number[]): number {
  const kib = pids.map((pid) => Number(/^Pss:\s*(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0));
  return kib.reduce((sum, each) => sum + each, 0) / 1024;
}

/** The processes that a process has started and that are still there. */
export function childrenOf(pid: number): number[] {
  const all = readdirSync("/proc").map(Number).filter(Number.isInteger);
  return all.filter((each) => timesOf(each)?.parent === pid);
}

function timesOf(pid: number): ProcessTimes | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === "") return undefined;
  // The name of the program, in parentheses, may hold spaces; after it come the state and the parent.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [own = 0, system = 0, ended = 0, endedSystem = 0] = fields.slice(11, 15).map(Number);
  return { parent: Number(fields[1]), ownMs: (own + system) * TICK_MS, endedMs: (ended + endedSystem) * TICK_MS };
}

/** "" of a process that is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
