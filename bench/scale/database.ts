import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { launchPostgres } from "../../test/helpers/postgres-server.ts";
import { childrenOf, cpuMsOfFamily, memoryMib } from "./processes.ts";

/** As PostgreSQL comes, but for more memory, and for what counts and explains statements. */
const SETTINGS = [
  ...["shared_buffers=256MB", "max_wal_size=2GB", "max_connections=100", "log_min_messages=log"],
  ...["shared_preload_libraries=pg_stat_statements,auto_explain"],
  ...["logging_collector=on", "log_destination=jsonlog", "log_directory=log", "log_rotation_size=0"],
];

/** A statement as the server has counted it. */
export interface CountedStatement {
  readonly text: string;
  readonly calls: number;
  readonly totalMs: number;
}

/** A PostgreSQL server of the bench with one database, and what it tells of itself. */
export interface BenchDatabase {
  readonly url: string;
  /** All its processes, in milliseconds. */
  cpuMs(): number;
  memoryMib(): number;
  /** Connections that replicas have open. */
  connections(): Promise<number>;
  /** The statements that replicas sent since `forgetStatements`, those that took the longest first. */
  statements(): Promise<CountedStatement[]>;
  forgetStatements(): Promise<void>;
  /**
   * Whether commits wait for the disk. At first they do not: how long it takes is its own affair, and whatever else uses it
   * would be in every figure.
   */
  waitForDisk(wait: boolean): Promise<void>;
  /** Logs the plans of a share of all statements as they ran, from now on; 0 ends it. */
  explain(share: number): Promise<void>;
  /** The plans that were logged so far. */
  plans(): LoggedPlan[];
}

/** A statement as it ran, by auto_explain. */
export interface LoggedPlan {
  readonly "Query Text": string;
  readonly Plan: PlanNode;
}

/** A step of a plan. */
export interface PlanNode {
  readonly "Node Type": string;
  readonly "Subplan Name"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly Plans?: readonly PlanNode[];
}

/** Starts the server; it ends with `cleanup`. */
export async function startDatabase(cleanup: AsyncDisposableStack): Promise<BenchDatabase> {
  const server = cleanup.use(await launchPostgres(SETTINGS));
  const url = await server.createDatabase();
  const client = new pg.Client({ connectionString: url, application_name: "bench" });
  client.on("error", () => {});
  await client.connect();
  cleanup.defer(() => client.end().catch(() => {}));
  await client.query("CREATE EXTENSION pg_stat_statements");
  const pid = server.pid() ?? 0;

  async function set(name: string, value: number | string): Promise<void> {
    await client.query(`ALTER SYSTEM SET ${name} = ${value}`);
    await client.query("SELECT pg_reload_conf()");
  }

  await set("fsync", "off");
  await set("auto_explain.log_format", "json");
  await set("auto_explain.log_analyze", "on");
  await set("auto_explain.log_timing", "off");

  return {
    url,
    cpuMs: () => cpuMsOfFamily(pid),
    memoryMib: () => memoryMib([pid, ...childrenOf(pid)]),
    connections: async () => {
      const { rows } = await client.query(
        "SELECT count(*)::int FROM pg_stat_activity WHERE application_name ~ '^opgrid'",
      );
      return rows[0].count;
    },
    statements: async () => {
      const { rows } = await client.query(`
        SELECT query AS text, calls::int, total_exec_time AS "totalMs" FROM pg_stat_statements
        WHERE query !~ 'pg_stat_|pg_reload_conf' ORDER BY total_exec_time DESC`);
      return rows;
    },
    forgetStatements: async () => void (await client.query("SELECT pg_stat_statements_reset()")),
    waitForDisk: (wait) => set("fsync", wait ? "on" : "off"),
    explain: async (share) => {
      await set("auto_explain.sample_rate", share);
      await set("auto_explain.log_min_duration", share > 0 ? 0 : -1);
    },
    plans: () => plansIn(join(server.home, "data", "log")),
  };
}

const PLAN = /^duration: [\d.]+ ms {2}plan:\n/;

function plansIn(directory: string): LoggedPlan[] {
  const files = readdirSync(directory).filter((file) => file.endsWith(".json"));
  const lines = files.flatMap((file) => readFileSync(join(directory, file), "utf8").split("\n"));
  return lines.flatMap((line) => {
    if (!line.endsWith("}")) return [];
    const { message } = JSON.parse(line) as { message: string };
    return PLAN.test(message) ? [JSON.parse(message.replace(PLAN, "")) as LoggedPlan] : [];
  });
}
