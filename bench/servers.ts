import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { createGrpcClient, type GrpcClient } from "./grpc-client.ts";

/** The servers side by side. */
export const serverNames = ["opgrid", "http2", "grpc-js"] as const;
export type ServerName = (typeof serverNames)[number];

/** A server in a process of its own, and a connection to it. */
export interface BenchServer extends AsyncDisposable {
  readonly url: string;
  /** The process. */
  readonly pid: number;
  readonly client: GrpcClient;
  /** The processor time that it has used so far, in milliseconds; NaN where the system does not tell. */
  cpuMs(): Promise<number>;
  /** The memory that it has resident, in KiB; NaN where the system does not tell. */
  rssKib(): Promise<number>;
}

export type BenchServers = Readonly<Record<ServerName, BenchServer>>;

const START_MS = 20_000;
const STOP_MS = 10_000;
const LOG = ".log";
const LAST_WORDS = 4000;
/** USER_HZ, which is 100 on every Linux. */
const TICK_MS = 10;

/** Starts a program that prints its address, and connects to it. */
export async function startServer(name: string, options: { args: string[]; logDir: string }): Promise<BenchServer> {
  const log = openSync(logFile(name, options.logDir), "w");
  const child = spawn(process.execPath, options.args, { stdio: ["pipe", "pipe", log] });
  closeSync(log);
  const killAtExit = () => void child.kill("SIGKILL");
  // Before the directory that it writes to is removed.
  process.prependOnceListener("exit", killAtExit);
  const stop = async () => {
    await end(child);
    process.off("exit", killAtExit);
  };
  try {
    const url = await address(child);
    const client = await createGrpcClient(url);
    return {
      url,
      pid: child.pid ?? 0,
      client,
      cpuMs: () => cpuMsOf(child.pid),
      rssKib: () => rssKibOf(child.pid),
      [Symbol.asyncDispose]: async () => {
        await client[Symbol.asyncDispose]();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw new Error(`${name} does not start`, { cause: error });
  }
}

/** The end of what each server logged, of those that said anything. */
export function lastWords(logDir: string): string {
  const files = existsSync(logDir) ? readdirSync(logDir).filter((file) => file.endsWith(LOG)) : [];
  const words = files.map((file) => [file, readFileSync(join(logDir, file), "utf8").slice(-LAST_WORDS)] as const);
  return words.flatMap(([file, text]) => (text === "" ? [] : [`the end of ${file}:\n${text}\n`])).join("");
}

function logFile(name: string, logDir: string): string {
  return join(logDir, `${name}${LOG}`);
}

async function address(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error("no output to read the address from");
  const lines = createInterface({ input: child.stdout, signal: AbortSignal.timeout(START_MS) });
  try {
    for await (const line of lines) {
      const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
      if (url) return url;
    }
  } finally {
    child.stdout.resume();
  }
  throw new Error(`no address was printed in ${START_MS / 1000} s`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await exited;
  clearTimeout(timer);
}

async function cpuMsOf(pid: number | undefined): Promise<number> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The name of the program, in parentheses, may hold spaces; after it come the state and 10 fields, then the times.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return Number.NaN;
  }
}

async function rssKibOf(pid: number | undefined): Promise<number> {
  try {
    return Number(/^VmRSS:\s*(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return Number.NaN;
  }
}
