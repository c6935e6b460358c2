import { availableParallelism } from "node:os";
import { rotated } from "../measure.ts";
import type { Seeded } from "../seed.ts";
import { median } from "../statistics.ts";
import { render, short } from "../table.ts";
import { prepareExecutions } from "./executions.ts";
import { getting, listing } from "./reads.ts";
import { type Account, type Load, type Replicas, type Site, startReplicas } from "./replicas.ts";
import { statementTable } from "./statements.ts";

/** How many replicas are compared. */
const COUNTS = [1, 2, 3] as const;
const IN_FLIGHT = 128;
const BOTS = 64;
/** So little that neither PostgreSQL nor the load generator comes to its limit beside three of them on two cores. */
const SHARE = 0.2;

/** What was measured of some number of replicas, one account for each round. */
interface Measured {
  readonly held: Account[];
  readonly free: Account[];
  readonly gets: Account[];
  readonly lists: Account[];
  readonly connections: number[];
  readonly replicaMib: number[];
  readonly postgresMib: number[];
}

/** Compares numbers of replicas on one PostgreSQL; answers Markdown tables. */
export async function measureSizes(
  site: Site,
  seeded: Seeded,
  effort: { rounds: number; seconds: number },
): Promise<string[]> {
  const all = COUNTS.map((count) => ({ count, measured: emptyMeasured() }));
  for (let round = 0; round < effort.rounds; round++) {
    for (const { count, measured } of rotated(all, round)) {
      site.say(`round ${round + 1} of ${effort.rounds}, replicas: ${count}`);
      await measureRound(site, seeded, { count, measured, seconds: effort.seconds });
    }
  }
  const columns = all.map(({ measured }) => measured);
  const [one] = columns;
  const last = columns.at(-1);
  if (!one || !last) return [];
  return [sizeTable(columns), statementTable({ "1 replica": one.free, [`${COUNTS.length} replicas`]: last.free })];
}

async function measureRound(
  site: Site,
  seeded: Seeded,
  { count, measured, seconds }: { count: number; measured: Measured; seconds: number },
): Promise<void> {
  await using cleanup = new AsyncDisposableStack();
  const replicas = await startReplicas(site, count, cleanup);
  const execution = { inFlight: IN_FLIGHT, seconds, call: await prepareExecutions(site, replicas, BOTS, cleanup) };
  const get = { inFlight: IN_FLIGHT, seconds: seconds / 2, call: getting([...seeded.queued, ...seeded.completed]) };
  const list = { inFlight: IN_FLIGHT, seconds: seconds / 2, call: listing() };
  for (const load of [execution, get, list]) await replicas.load({ ...load, seconds: load.seconds / 2 });
  const held = (load: Load) => replicas.held(SHARE, () => replicas.load(load));
  measured.free.push(await replicas.load(execution));
  measured.held.push(await held(execution));
  measured.gets.push(await held(get));
  measured.lists.push(await held(list));
  measured.connections.push(await site.database.connections());
  measured.replicaMib.push(memoryOf(replicas));
  measured.postgresMib.push(site.database.memoryMib());
}

function emptyMeasured(): Measured {
  return { held: [], free: [], gets: [], lists: [], connections: [], replicaMib: [], postgresMib: [] };
}

function memoryOf(replicas: Replicas): number {
  return replicas.memoryMib() / replicas.servers.length;
}

function sizeTable(columns: readonly Measured[]): string {
  const row = (title: string, unit: string, value: (measured: Measured) => string) => [
    title,
    unit,
    ...columns.map(value),
  ];
  const micros = (accounts: (of: Measured) => Account[], who: Spender) => (of: Measured) =>
    short(microsOf(accounts(of), who));
  const rateRows = (title: string, unit: string, accounts: (of: Measured) => Account[]) => [
    row(title, `${unit}/s`, (of) => short(rateOf(accounts(of)))),
    row("", "times one replica", (of) => timesOne(accounts(of), columns.slice(0, 1).flatMap(accounts))),
    row("", "times one replica, by processor time", (of) => timesByTime(of, accounts)),
    row("", "of a core, each replica", (of) =>
      (coresOf(accounts(of), "replicasMs") / (columns.indexOf(of) + 1)).toFixed(2),
    ),
    row("", `µs in replicas, for one of the ${unit}`, micros(accounts, "replicasMs")),
    row("", "µs in PostgreSQL", micros(accounts, "postgresMs")),
    row("", `${unit}/s for each core of replicas`, (of) => short(1e6 / microsOf(accounts(of), "replicasMs"))),
    row("", `${unit}/s for each core of PostgreSQL`, (of) => short(1e6 / microsOf(accounts(of), "postgresMs"))),
  ];
  /** What the ratio is when each replica gets as much processor time as the one. */
  const timesByTime = (of: Measured, accounts: (of: Measured) => Account[]) => {
    const [one = Number.NaN, own = Number.NaN] = [...columns.slice(0, 1), of].map((each) =>
      microsOf(accounts(each), "replicasMs"),
    );
    return (((columns.indexOf(of) + 1) * one) / own).toFixed(2);
  };
  const free = (of: Measured) => of.free;
  return render([
    ["replicas", "", ...COUNTS.map(String)],
    ...rateRows(`Execute to done, replicas held to ${SHARE} of a core`, "operations", (of) => of.held),
    ...rateRows("GetOperation, held in the same way", "operations", (of) => of.gets),
    ...rateRows("ListOperations, 100 a page, held in the same way", "pages", (of) => of.lists),
    ...rateRows("Execute to done, as fast as they can", "operations", free),
    row("", "cores of PostgreSQL", (of) => coresOf(of.free, "postgresMs").toFixed(2)),
    row("", "cores of the load generator", (of) => coresOf(of.free, "generatorMs").toFixed(2)),
    row("", `cores of all, of ${availableParallelism()}`, (of) => allCores(of.free).toFixed(2)),
    row("connections to PostgreSQL", "", (of) => short(Math.round(median(of.connections)))),
    row("memory of a replica after that", "MiB", (of) => short(median(of.replicaMib))),
    row("memory of PostgreSQL, 256 MiB of it shared buffers at most", "MiB", (of) => short(median(of.postgresMib))),
  ]);
}

type Spender = "replicasMs" | "postgresMs" | "generatorMs";

function rateOf(accounts: readonly Account[]): number {
  return median(accounts.map(({ done, seconds }) => done / seconds));
}

function timesOne(accounts: readonly Account[], one: readonly Account[]): string {
  return (rateOf(accounts) / rateOf(one)).toFixed(2);
}

function microsOf(accounts: readonly Account[], who: Spender): number {
  return median(accounts.map((account) => (account[who] * 1000) / account.done));
}

function coresOf(accounts: readonly Account[], who: Spender): number {
  return median(accounts.map((account) => account[who] / 1000 / account.seconds));
}

function allCores(accounts: readonly Account[]): number {
  return coresOf(accounts, "replicasMs") + coresOf(accounts, "postgresMs") + coresOf(accounts, "generatorMs");
}
