import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { createPostgresStore, createSqliteStore, type Store } from "../../src/store/store.ts";
import { type Effort, type Figures, measure, type Result, type Scenario } from "../measure.ts";
import { startOpgrid } from "../opgrid.ts";
import { endless, instances } from "../scenarios/group.ts";
import type { Seeded } from "../seed.ts";
import { quantile } from "../statistics.ts";
import { render, short } from "../table.ts";
import { getting, keyOf, seedReads } from "./reads.ts";
import type { Site } from "./replicas.ts";

type Engine = "sqlite" | "postgres";

const CALLS_IN_FLIGHT = 64;
const CALLERS = [1, 32];

/** Compares GetOperation of both engines, by calls of a server and in the store itself; answers a Markdown table. */
export async function measureEngines(site: Site, inPostgres: Seeded, effort: Effort): Promise<string> {
  await using cleanup = new AsyncDisposableStack();
  const dataDir = join(site.directory, "sqlite");
  const inSqlite = await seedSqlite(dataDir);
  const seeded = { sqlite: inSqlite, postgres: inPostgres };
  const calls = await measureCalls(site, { dataDir, seeded, effort, cleanup });
  const reads = await measureReads(site, { seeded, effort });
  const head = ["GetOperation", "unit", "SQLite", "PostgreSQL", "of SQLite"];
  return render([head, ...[...calls, ...reads].flatMap(rowsOf)]);
}

async function seedSqlite(dataDir: string): Promise<Seeded> {
  await using store = await createSqliteStore({ dataDir, clock: systemClock, log: silentLog });
  return await seedReads(store);
}

interface Setup {
  readonly seeded: Readonly<Record<Engine, Seeded>>;
  readonly effort: Effort;
}

async function measureCalls(
  site: Site,
  { dataDir, seeded, effort, cleanup }: Setup & { dataDir: string; cleanup: AsyncDisposableStack },
): Promise<Result<Engine>[]> {
  const start = async (engine: Engine, serverFlags: string[]) => {
    const options = { profileDir: site.profileDir, serverFlags };
    const setup = { instances: Object.values(instances), logDir: site.directory, options };
    const directory = engine === "sqlite" ? dataDir : join(site.directory, "on-postgres");
    return cleanup.use(await startOpgrid(engine, { ...setup, dataDir: directory }));
  };
  const servers = {
    sqlite: await start("sqlite", []),
    postgres: await start("postgres", ["--store", site.database.url]),
  };
  const results: Result<Engine>[] = [];
  for (const kind of ["queued", "completed"] as const) {
    site.say(`GetOperation by calls, ${kind}`);
    const [sqlite, postgres] = [getting(seeded.sqlite[kind]), getting(seeded.postgres[kind])];
    const operations = { sqlite: () => sqlite(servers.sqlite), postgres: () => postgres(servers.postgres) };
    const title = `calls, ${kind}, ${CALLS_IN_FLIGHT} in flight`;
    results.push(
      await measure({ title, inFlight: CALLS_IN_FLIGHT, figure: "operations/s", operations }, servers, effort),
    );
  }
  await cleanup.disposeAsync();
  return results;
}

async function measureReads(site: Site, { seeded, effort }: Setup): Promise<Result<Engine>[]> {
  const dataDir = join(site.directory, "sqlite");
  await using sqlite = await createSqliteStore({ dataDir, clock: systemClock, log: silentLog });
  await using postgres = await createPostgresStore({ url: site.database.url, log: silentLog });
  const operations = { sqlite: reading(sqlite, seeded.sqlite), postgres: reading(postgres, seeded.postgres) };
  const own = { cpuMs: () => Promise.resolve(ownCpuMs()) };
  const results: Result<Engine>[] = [];
  for (const inFlight of CALLERS) {
    const title = `in the store, ${inFlight === 1 ? "1 caller" : `${inFlight} callers`}`;
    site.say(`GetOperation ${title}`);
    const scenario: Scenario<Engine> = { title, inFlight, figure: "operations/s", operations };
    results.push(await measure(scenario, { sqlite: own, postgres: own }, effort));
  }
  return results;
}

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function reading(store: Store, { queued, completed }: Seeded): () => Promise<unknown> {
  const keys = [...queued, ...completed].map(keyOf);
  const next = endless(keys);
  return () => store.getOperation(next());
}

function rowsOf({ scenario, figures: { sqlite, postgres } }: Result<Engine>): string[][] {
  const row = (title: string, unit: string, value: (of: Figures) => number, cost: boolean) => {
    const [own, other] = [value(postgres), value(sqlite)];
    return [title, unit, short(other), short(own), (cost ? other / own : own / other).toFixed(2)];
  };
  return [
    row(scenario.title, "operations/s", ({ rate }) => rate, false),
    row("", "µs, p50", ({ latenciesMs }) => quantile(latenciesMs, 0.5) * 1000, true),
    row("", "µs of the process's processor time", ({ cpuMicros }) => cpuMicros, true),
  ];
}
