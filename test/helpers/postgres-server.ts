import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { until } from "./until.ts";

const DEBIAN_DIRECTORY = "/usr/lib/postgresql";
const INSTALL = "apt-get update && apt-get install -y postgresql";

/** A PostgreSQL server of this process. */
export interface PostgresServer {
  readonly port: number;
  /** The directory of its files: `data`, and what logs it is told to write. */
  readonly home: string;
  /** Makes an empty database and answers its URL. */
  createDatabase(): Promise<string>;
  /** The process that is the parent of all others of the server; undefined while it is stopped. */
  pid(): number | undefined;
  /** Ends the server: `fast` cuts connections and shuts down in order, `immediate`, the default, is like a crash. */
  stop(mode?: "fast" | "immediate"): Promise<void>;
  /** Starts it again, with the same port and data. */
  start(): Promise<void>;
}

/** Starts a server with settings as `name=value`, in a directory that is removed when it is disposed of. */
export async function launchPostgres(own: readonly string[]): Promise<PostgresServer & AsyncDisposable> {
  const bin = binaries();
  const user = unprivileged();
  const home = mkdtempSync(join(tmpdir(), "opgrid-postgres-"));
  if (user.uid !== undefined) chownSync(home, user.uid, user.gid ?? user.uid);
  const data = join(home, "data");
  const initdb = ["-D", data, "-U", "opgrid", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"];
  execFileSync(join(bin, "initdb"), initdb, { ...user, stdio: "pipe", cwd: home });
  const port = await freePort();
  let server: ChildProcess | undefined;

  async function start(): Promise<void> {
    const settings = [...own, `port=${port}`, `unix_socket_directories=${home}`, "listen_addresses=127.0.0.1"];
    const args = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])];
    const child = spawn(join(bin, "postgres"), args, { ...user, cwd: home, stdio: "ignore" });
    server = child;
    await until(() => canConnect(port), "PostgreSQL accepts connections", 20_000);
  }

  async function stop(mode: "fast" | "immediate" = "immediate"): Promise<void> {
    const child = server;
    server = undefined;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(mode === "fast" ? "SIGINT" : "SIGQUIT");
    await ended;
  }

  const clean = () => rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  // If the process ends in a way that disposes of nothing.
  process.once("exit", () => {
    server?.kill("SIGQUIT");
    clean();
  });

  await start();
  let databases = 0;
  return {
    ...{ port, home, start, stop },
    pid: () => server?.pid,
    createDatabase: async () => {
      databases += 1;
      const name = `test_${databases}`;
      await asAdmin(port, `CREATE DATABASE ${name}`);
      return `postgres://opgrid@127.0.0.1:${port}/${name}`;
    },
    [Symbol.asyncDispose]: async () => {
      await stop();
      clean();
    },
  };
}

/** Runs statements on a connection of their own. */
export async function asAdmin(port: number, ...statements: string[]): Promise<unknown[][]> {
  return runSql(`postgres://opgrid@127.0.0.1:${port}/postgres`, ...statements);
}

/** Runs statements on a connection of their own; answers the rows of the last one. */
export async function runSql(url: string, ...statements: string[]): Promise<unknown[][]> {
  const client = new pg.Client({ connectionString: url });
  // What it was doing fails and tells.
  client.on("error", () => {});
  await client.connect();
  try {
    let rows: unknown[][] = [];
    for (const text of statements) ({ rows } = await client.query<unknown[]>({ text, rowMode: "array" }));
    return rows;
  } finally {
    await client.end();
  }
}

/** A port of this machine that nobody has. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("there is no port");
  return address.port;
}

/** Servers of databases refuse to run as root: then as the user that Debian made for them. */
export function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

function binaries(): string {
  const versions = existsSync(DEBIAN_DIRECTORY) ? readdirSync(DEBIAN_DIRECTORY) : [];
  const newest = versions
    .map(Number)
    .filter(Number.isFinite)
    .sort((a, b) => b - a)[0];
  const bin = join(DEBIAN_DIRECTORY, String(newest), "bin");
  if (!existsSync(join(bin, "initdb"))) throw new Error(`these tests need PostgreSQL: ${INSTALL}`);
  return bin;
}

async function canConnect(port: number): Promise<boolean> {
  try {
    await asAdmin(port, "SELECT 1");
    return true;
  } catch {
    return false;
  }
}
