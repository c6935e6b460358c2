import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { systemClock } from "../src/base/clock.ts";
import { silentLog } from "../src/base/log.ts";
import { createSqliteStore } from "../src/store/store.ts";
import { measure, type Result } from "./measure.ts";
import { startOpgrid } from "./opgrid.ts";
import { type Options, readOptions } from "./options.ts";
import { cancel, cancellableFor } from "./scenarios/cancel.ts";
import { download } from "./scenarios/download.ts";
import { execute } from "./scenarios/execute.ts";
import { get } from "./scenarios/get.ts";
import { type Bench, type Group, instances } from "./scenarios/group.ts";
import { list } from "./scenarios/list.ts";
import type { Study } from "./scenarios/study.ts";
import { tableSize } from "./scenarios/table-size.ts";
import { upload } from "./scenarios/upload.ts";
import { watch } from "./scenarios/watch.ts";
import { seed } from "./seed.ts";
import { type BenchServers, lastWords, startServer } from "./servers.ts";
import { cpuTable, speedTable } from "./table.ts";

const groups: Readonly<Record<string, Group>> = { get, list, cancel, execute, upload, download };
const studies: Readonly<Record<string, Study>> = { watch, "table-size": tableSize };

/** What every part of a run shares. */
interface Run {
  readonly options: Options;
  /** Holds the servers and the directory. */
  readonly cleanup: AsyncDisposableStack;
  readonly directory: string;
  readonly results: Result[];
  /** Tables of the studies. */
  readonly tables: string[];
  readonly giveUp: Bench["giveUp"];
}

const options = readOptions(process.argv.slice(2), [...Object.keys(groups), ...Object.keys(studies)]);
if ("exitCode" in options) {
  process.stderr.write(options.text);
  process.exitCode = options.exitCode;
} else {
  // Not left to the event loop, which a server that was just starting would keep alive.
  process.exit(await bench(options));
}

/** Runs and prints what there is, also when it gives up half-way; answers the exit code. */
async function bench(options: Options): Promise<number> {
  const gaveUp = Promise.withResolvers<never>();
  const limit = `not done after ${options.limitSeconds} s`;
  const timer = setTimeout(() => gaveUp.reject(new Error(limit)), options.limitSeconds * 1000);
  // For good: a second Ctrl-C must not leave gigabytes behind.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => gaveUp.reject(signal));
  }
  const cleanup = new AsyncDisposableStack();
  const directory = temporaryDirectory(cleanup);
  const run: Run = { options, cleanup, directory, results: [], tables: [], giveUp: gaveUp.reject };
  try {
    await Promise.race([measureAll(run), gaveUp.promise]);
    return 0;
  } catch (error) {
    process.stderr.write(error instanceof Error ? `${inspect(error)}\n${lastWords(directory)}` : `${error}\n`);
    return 1;
  } finally {
    clearTimeout(timer);
    if (run.results.length + run.tables.length > 0) process.stdout.write(report(run));
    await cleanup.disposeAsync();
  }
}

async function measureAll(run: Run): Promise<void> {
  const { only } = run.options;
  const wanted = only.filter((name) => name in groups);
  if (wanted.length > 0) await stage(run, (cleanup) => measureGroups({ ...run, cleanup }, wanted));
  for (const name of only) {
    const study = studies[name];
    if (study) await stage(run, async (cleanup) => void run.tables.push(await study(studyBench({ ...run, cleanup }))));
  }
}

/** What it starts ends with it, or with the run when that gives up. */
async function stage(run: Run, work: (cleanup: AsyncDisposableStack) => Promise<void>): Promise<void> {
  const cleanup = run.cleanup.use(new AsyncDisposableStack());
  await work(cleanup);
  await cleanup.disposeAsync();
}

async function measureGroups(run: Run, wanted: readonly string[]): Promise<void> {
  const { options, directory, results, giveUp } = run;
  const dataDir = join(directory, "data");
  const seeded = await seedAll(dataDir, wanted.includes("cancel") ? cancellableFor(options.rounds) : 0);
  const servers = await startServers(run, dataDir);
  for (const name of wanted) {
    await stage(run, async (cleanup) => {
      const scenarios = (await groups[name]?.({ servers, ...seeded, giveUp }, cleanup)) ?? [];
      for (const scenario of scenarios) {
        say(scenario.title);
        results.push(await measure(scenario, servers, options));
      }
    });
  }
}

async function seedAll(dataDir: string, cancellable: number): Promise<Pick<Bench, "seeded" | "cancellable">> {
  say("making operations");
  await using store = await createSqliteStore({ dataDir, clock: systemClock, log: silentLog });
  const seeded = await seed(store, instances.seeded, { queued: 10_000, completed: 1_000 });
  const { queued } = await seed(store, instances.cancelled, { queued: cancellable, completed: 0 });
  return { seeded, cancellable: queued };
}

function temporaryDirectory(cleanup: AsyncDisposableStack): string {
  const directory = mkdtempSync(join(tmpdir(), "opgrid-bench-"));
  const remove = () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  cleanup.defer(remove);
  // For an end that nobody foresaw.
  process.once("exit", remove);
  return directory;
}

async function startServers({ cleanup, directory: logDir, options }: Run, dataDir: string): Promise<BenchServers> {
  const setup = { dataDir, instances: Object.values(instances), logDir, options };
  const echo = async (name: string) =>
    cleanup.use(await startServer(name, { args: [join(import.meta.dirname, `echo-${name}.ts`)], logDir }));
  return {
    opgrid: cleanup.use(await startOpgrid("opgrid", setup)),
    http2: await echo("http2"),
    "grpc-js": await echo("grpc-js"),
  };
}

function studyBench({ options, directory, cleanup }: Run): Parameters<Study>[0] {
  return {
    options,
    directory,
    say,
    startOpgrid: async (name, setup) => cleanup.use(await startOpgrid(name, { ...setup, logDir: directory, options })),
  };
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function report({ options, results, tables }: Run): string {
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model ?? "unknown"}), ${process.platform}, Node ${process.version}`;
  const besideEchoes = results.length > 0 ? [speedTable(results), cpuTable(results)] : [];
  const parts = [machine, options.caveat, ...besideEchoes, ...tables].filter((part) => part !== "");
  return `${parts.join("\n\n")}\n`;
}
