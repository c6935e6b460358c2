import type { BenchServer, ServerName } from "./servers.ts";
import { median } from "./statistics.ts";

/** One thing to measure, the same against every server. */
export interface Scenario<Name extends string = ServerName> {
  readonly title: string;
  /** How many operations are in progress at any time. */
  readonly inFlight: number;
  /** What its row of the table shows. */
  readonly figure: "operations/s" | "MiB/s" | "latency";
  /** Payload of one operation, for MiB/s. */
  readonly mebibytes?: number;
  /** After so many operations a server's part of a round ends early: for what uses something up. */
  readonly atMost?: Readonly<Partial<Record<Name, number>>>;
  readonly operations: Readonly<Record<Name, () => Promise<unknown>>>;
}

/** What a scenario gave with one server. */
export interface Figures {
  /** Operations a second: the median of the rounds. */
  readonly rate: number;
  /** From the call to its status, of all rounds. */
  readonly latenciesMs: readonly number[];
  /** Processor time of the server, all its threads, in microseconds an operation; NaN where the system does not tell. */
  readonly cpuMicros: number;
}

export interface Result<Name extends string = ServerName> {
  readonly scenario: Scenario<Name>;
  readonly figures: Readonly<Record<Name, Figures>>;
}

/** How long to measure. */
export interface Effort {
  readonly rounds: number;
  readonly seconds: number;
}

type Measured<Name extends string> = Readonly<Record<Name, Pick<BenchServer, "cpuMs">>>;

interface Round {
  readonly latenciesMs: number[];
  readonly seconds: number;
  readonly cpuMs: number;
}

const WARM_UP_SHARE = 0.5;

/** Measures in rounds; in each every server has its turn, another one first each time, so that all share what disturbs. */
export async function measure<Name extends string>(
  scenario: Scenario<Name>,
  servers: Measured<Name>,
  effort: Effort,
): Promise<Result<Name>> {
  const names = Object.keys(scenario.operations) as Name[];
  const rounds = new Map(names.map((name): [Name, Round[]] => [name, []]));
  for (const name of names) await turn(scenario, servers, name, effort.seconds * WARM_UP_SHARE);
  for (let round = 0; round < effort.rounds; round++) {
    for (const name of rotated(names, round)) {
      rounds.get(name)?.push(await turn(scenario, servers, name, effort.seconds));
    }
  }
  const figures = Object.fromEntries([...rounds].map(([name, of]) => [name, summary(of)])) as Record<Name, Figures>;
  return { scenario, figures };
}

async function turn<Name extends string>(
  scenario: Scenario<Name>,
  servers: Measured<Name>,
  name: Name,
  seconds: number,
): Promise<Round> {
  const latenciesMs: number[] = [];
  const cpuBefore = await servers[name].cpuMs();
  const begin = performance.now();
  const end = begin + seconds * 1000;
  const operation = scenario.operations[name];
  let left = scenario.atMost?.[name] ?? Number.POSITIVE_INFINITY;
  const caller = async () => {
    for (let before = performance.now(); before < end && left > 0; ) {
      left--;
      await operation();
      const after = performance.now();
      latenciesMs.push(after - before);
      before = after;
    }
  };
  await Promise.all(Array.from({ length: scenario.inFlight }, caller));
  const elapsed = performance.now() - begin;
  return { latenciesMs, seconds: elapsed / 1000, cpuMs: (await servers[name].cpuMs()) - cpuBefore };
}

function summary(rounds: readonly Round[]): Figures {
  const latenciesMs = rounds.flatMap((round) => round.latenciesMs);
  const cpuMs = rounds.reduce((sum, round) => sum + round.cpuMs, 0);
  return {
    rate: median(rounds.map((round) => round.latenciesMs.length / round.seconds)),
    latenciesMs,
    cpuMicros: (cpuMs * 1000) / latenciesMs.length,
  };
}

/** The values in their order, but another one first each time, so that all share what disturbs. */
export function rotated<T>(values: readonly T[], by: number): T[] {
  const at = by % values.length;
  return [...values.slice(at), ...values.slice(0, at)];
}
