import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** What Linux tells about one living process. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly argv: readonly string[];
  /** Empty when it may not be read. */
  readonly cwd: string;
  readonly environment: readonly string[];
}

/** All processes that are alive; zombies are not. */
export function livingProcesses(): ProcessInfo[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => processInfo(Number(entry)))
    .filter((info) => info !== undefined);
}

/** The processes that were started for a directory: it is in an argument, in the environment, or they work in it. */
export function processesOf(directory: string): ProcessInfo[] {
  return livingProcesses().filter(
    (info) =>
      info.cwd.startsWith(directory) ||
      info.argv.some((argument) => argument.includes(directory)) ||
      info.environment.some((variable) => variable.includes(directory)),
  );
}

/** The shells and sleeps that run `sleep <seconds>`; give a number of seconds that nobody else uses. */
export function sleepers(seconds: string): ProcessInfo[] {
  return livingProcesses().filter(
    ({ argv }) =>
      (argv.at(-2)?.endsWith("sleep") === true && argv.at(-1) === seconds) ||
      (argv.at(-2) === "-c" && argv.at(-1)?.includes(`sleep ${seconds} `) === true),
  );
}

/** A number of seconds for `sleep`: hours long, and unique so that a process scan finds exactly its own. */
export function uniqueSeconds(): string {
  return `${10_000 + Math.floor(Math.random() * 80_000)}.${process.pid}`;
}

/**
 * Polls until the probe returns something truthy, and returns that.
 * Throws after `timeoutMs` with the description and the probe's last error, if it threw.
 */
export async function eventually<T>(
  description: string,
  timeoutMs: number,
  probe: () => Promise<T> | T,
): Promise<Exclude<T, false | undefined | null>> {
  const end = performance.now() + timeoutMs;
  let cause: unknown;
  do {
    try {
      const value = await probe();
      if (value) return value as Exclude<T, false | undefined | null>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await sleep(100);
  } while (performance.now() < end);
  throw new Error(`not within ${timeoutMs} ms: ${description}`, { cause });
}

function processInfo(pid: number): ProcessInfo | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is the program's name in parentheses and may hold anything.
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state === "Z") return undefined;
    return {
      pid,
      parent: Number(parent),
      argv: zeroSeparated(`/proc/${pid}/cmdline`),
      environment: zeroSeparated(`/proc/${pid}/environ`),
      cwd: readlinkSync(`/proc/${pid}/cwd`),
    };
  } catch {
    return undefined; // It ended meanwhile, or is a kernel thread.
  }
}

function zeroSeparated(file: string): string[] {
  return readFileSync(file, "utf8").split("\0").slice(0, -1);
}
