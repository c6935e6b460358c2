import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { measure, type Result } from "./measure.ts";
import { type Options, readOptions } from "./options.ts";
import { download } from "./scenarios/download.ts";
import { execute } from "./scenarios/execute.ts";
import { get } from "./scenarios/get.ts";
import { type Bench, type Group, instances } from "./scenarios/group.ts";
import { list } from "./scenarios/list.ts";
import { upload } from "./scenarios/upload.ts";
import { seed } from "./seed.ts";
import { type BenchServers, lastWords, startServer } from "./servers.ts";
import { cpuTable, speedTable } from "./table.ts";

const groups: Readonly<Record<string, Group>> = { get, list, execute, upload, download };

/** What every part of a run shares. */
interface Run {
  readonly options: Options;
  /** Holds the servers and the directory. */
  readonly cleanup: AsyncDisposableStack;
  readonly directory: string;
  readonly results: Result[];
  readonly giveUp: Bench["giveUp"];
}

const options = readOptions(process.argv.slice(2), Object.keys(groups));
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
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => gaveUp.reject(new Error(signal)));
  const results: Result[] = [];
  const cleanup = new AsyncDisposableStack();
  const directory = temporaryDirectory(cleanup);
  try {
    await Promise.race([measureAll({ options, cleanup, directory, results, giveUp: gaveUp.reject }), gaveUp.promise]);
    return 0;
  } catch (error) {
    process.stderr.write(`${inspect(error)}\nthe end of opgrid's log:\n${lastWords("opgrid", directory)}\n`);
    return 1;
  } finally {
    clearTimeout(timer);
    if (results.length > 0) process.stdout.write(report(results));
    await cleanup.disposeAsync();
  }
}

async function measureAll({ options, cleanup, directory, results, giveUp }: Run): Promise<void> {
  const dataDir = join(directory, "data");
  const seeded = await seed(dataDir, instances.seeded);
  const servers = await startServers({ cleanup, directory, dataDir, options });
  for (const name of options.only) {
    await using groupCleanup = new AsyncDisposableStack();
    const scenarios = (await groups[name]?.({ servers, seeded, giveUp }, groupCleanup)) ?? [];
    for (const scenario of scenarios) {
      process.stderr.write(`${scenario.title}\n`);
      results.push(await measure(scenario, servers, options));
    }
  }
}

function temporaryDirectory(cleanup: AsyncDisposableStack): string {
  const directory = mkdtempSync(join(tmpdir(), "opgrid-bench-"));
  const remove = () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  cleanup.defer(remove);
  // For an end that nobody foresaw.
  process.once("exit", remove);
  return directory;
}

async function startServers(setup: {
  cleanup: AsyncDisposableStack;
  directory: string;
  dataDir: string;
  options: Options;
}): Promise<BenchServers> {
  const { cleanup, directory: logDir, dataDir } = setup;
  const { profileDir, serverFlags } = setup.options;
  const profile = profileDir === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profileDir];
  const serve = ["serve", "--listen", "127.0.0.1:0", "--data-dir", dataDir, "--bots", "0"];
  // The seeded operations have no client; they are to stay.
  const flags = ["--instances", Object.values(instances).join(","), "--execution-orphan-grace", "0"];
  const opgrid = [...profile, pathTo("../src/main.ts"), ...serve, ...flags, ...serverFlags];
  return {
    opgrid: cleanup.use(await startServer("opgrid", { args: opgrid, logDir })),
    http2: cleanup.use(await startServer("http2", { args: [pathTo("echo-http2.ts")], logDir })),
    "grpc-js": cleanup.use(await startServer("grpc-js", { args: [pathTo("echo-grpc-js.ts")], logDir })),
  };
}

function pathTo(file: string): string {
  return join(import.meta.dirname, file);
}

function report(results: readonly Result[]): string {
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model ?? "unknown"}), ${process.platform}, Node ${process.version}`;
  return `${machine}\n\n${speedTable(results)}\n\n${cpuTable(results)}\n`;
}
