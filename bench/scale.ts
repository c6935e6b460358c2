import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { inspect, parseArgs } from "node:util";
import { silentLog } from "../src/base/log.ts";
import { createPostgresStore } from "../src/store/store.ts";
import { measureClaims } from "./scale/claims.ts";
import { startDatabase } from "./scale/database.ts";
import { measureEngines } from "./scale/engines.ts";
import { seedReads } from "./scale/reads.ts";
import type { Site } from "./scale/replicas.ts";
import { measureSizes } from "./scale/sizes.ts";
import type { Seeded } from "./seed.ts";
import { lastWords } from "./servers.ts";

const PARTS = ["sizes", "claims", "engines"] as const;
type Part = (typeof PARTS)[number];
const LIMIT_SECONDS = 480;

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", default: PARTS.join() },
    "cpu-prof": { type: "string" },
  },
});
const effort = values.quick ? { rounds: 1, seconds: 1.5 } : { rounds: 3, seconds: 4 };
const only = values.only.split(",");
const parts: Readonly<Record<Part, (site: Site, seeded: Seeded) => Promise<string[]>>> = {
  sizes: (site, seeded) => measureSizes(site, seeded, effort),
  claims: async (site) => [await measureClaims(site, effort.seconds)],
  engines: async (site, seeded) => [
    await measureEngines(site, seeded, { rounds: effort.rounds, seconds: effort.seconds / 4 }),
  ],
};

// Not left to the event loop, which a server that was just starting would keep alive.
process.exit(await bench());

/** Prints what there is, also when it gives up half-way; answers the exit code. */
async function bench(): Promise<number> {
  const gaveUp = Promise.withResolvers<never>();
  const timer = setTimeout(() => gaveUp.reject(new Error(`not done after ${LIMIT_SECONDS} s`)), LIMIT_SECONDS * 1000);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => gaveUp.reject(signal));
  const cleanup = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), "opgrid-bench-"));
  const remove = () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  process.once("exit", remove);
  const tables: string[] = [];
  try {
    await Promise.race([measureAll(tables, { directory, cleanup, giveUp: gaveUp.reject }), gaveUp.promise]);
    return 0;
  } catch (error) {
    process.stderr.write(error instanceof Error ? `${inspect(error)}\n${lastWords(directory)}` : `${error}\n`);
    return 1;
  } finally {
    clearTimeout(timer);
    if (tables.length > 0) process.stdout.write(`${[machine(), ...tables].join("\n\n")}\n`);
    await cleanup.disposeAsync();
  }
}

async function measureAll(
  tables: string[],
  { directory, cleanup, giveUp }: Pick<Site, "directory" | "giveUp"> & { cleanup: AsyncDisposableStack },
): Promise<void> {
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const database = await startDatabase(cleanup);
  const site = { directory, profileDir: values["cpu-prof"], database, giveUp, say };
  say("making operations");
  const seeded = await seedPostgres(database.url);
  for (const part of PARTS) if (only.includes(part)) tables.push(...(await parts[part](site, seeded)));
}

async function seedPostgres(url: string): Promise<Seeded> {
  await using store = await createPostgresStore({ url, log: silentLog });
  return await seedReads(store);
}

function machine(): string {
  const model = cpus()[0]?.model ?? "unknown";
  const kind = values.quick ? "; a quick run" : "";
  return `${availableParallelism()} cores (${model}), ${process.platform}, Node ${process.version}${kind}`;
}
