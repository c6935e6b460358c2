import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startOpgrid } from "../opgrid.ts";
import { endless, instances } from "../scenarios/group.ts";
import type { BenchServer } from "../servers.ts";
import type { BenchDatabase, CountedStatement } from "./database.ts";
import { memoryMib } from "./processes.ts";
import { holdTo } from "./quota.ts";

/** Where a part of the bench works. */
export interface Site {
  /** For data directories and logs. */
  readonly directory: string;
  readonly profileDir: string | undefined;
  readonly database: BenchDatabase;
  readonly giveUp: (error: unknown) => void;
  say(line: string): void;
}

/** What was done in some time, and who spent how much processor time on it, in milliseconds. */
export interface Account {
  readonly done: number;
  readonly seconds: number;
  readonly replicasMs: number;
  readonly postgresMs: number;
  readonly generatorMs: number;
  readonly statements: readonly CountedStatement[];
}

/** Replicas on the database of a site. */
export interface Replicas {
  readonly servers: readonly BenchServer[];
  memoryMib(): number;
  /** Has so many calls under way for so long, spread evenly, each by `call` with the replica whose turn it is. */
  load(calls: Load): Promise<Account>;
  /** Holds each of them to a share of a core meanwhile. */
  held<T>(share: number, work: () => Promise<T>): Promise<T>;
}

/** What is to be done with replicas. */
export interface Load {
  readonly inFlight: number;
  readonly seconds: number;
  readonly call: (server: BenchServer) => Promise<unknown>;
}

/** So that what has been saved up at the start of a quota is used up. */
const SETTLE_MS = 300;
let started = 0;

/** Starts replicas, each with a data directory and blobs of its own; they end with `cleanup`. */
export async function startReplicas(site: Site, count: number, cleanup: AsyncDisposableStack): Promise<Replicas> {
  const options = { profileDir: site.profileDir, serverFlags: ["--store", site.database.url] };
  const start = async () => {
    const name = `replica-${++started}`;
    const dataDir = join(site.directory, name);
    mkdirSync(dataDir);
    const setup = { dataDir, instances: Object.values(instances), logDir: site.directory, options };
    return cleanup.use(await startOpgrid(name, setup));
  };
  const servers: BenchServer[] = [];
  // One after the other, as the first makes the schema.
  for (let each = 0; each < count; each++) servers.push(await start());
  const pids = servers.map(({ pid }) => pid);
  return {
    servers,
    memoryMib: () => memoryMib(pids),
    load: (load) => account(site.database, servers, load),
    held: async (share, work) => {
      await using _held = holdTo(share, pids);
      await delay(SETTLE_MS);
      return await work();
    },
  };
}

async function account(database: BenchDatabase, servers: readonly BenchServer[], load: Load): Promise<Account> {
  const replicasMs = async () =>
    (await Promise.all(servers.map((server) => server.cpuMs()))).reduce((a, b) => a + b, 0);
  await database.forgetStatements();
  const before = { replicas: await replicasMs(), postgres: database.cpuMs(), generator: process.cpuUsage() };
  const begin = performance.now();
  const done = await callFor(servers, load);
  const seconds = (performance.now() - begin) / 1000;
  const generator = process.cpuUsage(before.generator);
  return {
    ...{ done, seconds, postgresMs: database.cpuMs() - before.postgres },
    replicasMs: (await replicasMs()) - before.replicas,
    generatorMs: (generator.user + generator.system) / 1000,
    statements: await database.statements(),
  };
}

/** Answers how many calls ended in the time; those still under way then are waited for. */
async function callFor(servers: readonly BenchServer[], { inFlight, seconds, call }: Load): Promise<number> {
  const next = endless(servers);
  const end = performance.now() + seconds * 1000;
  let done = 0;
  const caller = async (server: BenchServer) => {
    while (performance.now() < end) {
      await call(server);
      done++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, () => caller(next())));
  return done;
}
