import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { JobEventKind } from "../../src/store/store.ts";
import { startBalancer } from "../helpers/balancer.ts";
import { credentials, type S3Server, startS3 } from "../helpers/ceph.ts";
import { connect } from "../helpers/e2e-actions.ts";
import { openBazel } from "../helpers/e2e-bazel.ts";
import { requireEngine } from "../helpers/e2e-engines.ts";
import { listAll } from "../helpers/e2e-operations.ts";
import { eventually } from "../helpers/e2e-processes.ts";
import { type OpgridProcess, startOpgrid } from "../helpers/e2e-server.ts";
import { startPostgres } from "../helpers/postgres.ts";
import { type PostgresServer, runSql } from "../helpers/postgres-server.ts";
import { startQuickBots } from "../helpers/quick-bots.ts";
import { seededRandom } from "../helpers/random.ts";
import { type LoadRecord, startLoad } from "../helpers/replica-load.ts";

const REPLICAS = 3;
const UNREST_MS = 14_000;
const DATABASE_OUTAGE_MS = 20_000;
const LAYERS = 5;
const WIDTH = 20;
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

test("replicas that are killed, a database that stops and listeners that are cut lose and repeat nothing", {
  timeout: 240_000,
}, async (t) => {
  if (!requireEngine(t, "bazel") || !requireEngine(t, "radosgw")) return;
  t.diagnostic(`SEED=${seed}`);
  const random = seededRandom(seed);
  const postgres = await startPostgres();
  const database = await postgres.createDatabase();
  await using s3 = await startS3();
  const replicas = await startReplicas(t, database, s3);
  await using balancer = await startBalancer(replicas.map(({ port }) => port));
  const bazel = openBazel(t, balancer.port);
  writeLayers(bazel.workspace);
  await using _bots = startQuickBots(balancer.url, 16, () => 200 + 1500 * Math.random());
  using load = startLoad(balancer.url, { clients: 100, connections: 20 });
  await eventually("operations end", 30_000, () => load.record.ends.length > 20);

  const build = bazel.start("build", "//layers:whole", "--remote_retries=20");
  const unrest = createUnrest({ replicas, database, random });
  await unrest.for(UNREST_MS);
  const outage = { from: Date.now(), to: 0 };
  await Promise.all([stopDatabase(postgres, random), sleep(5000 + 8000 * random()).then(unrest.kill)]);
  outage.to = Date.now();
  await unrest.for(UNREST_MS);
  await unrest.end();

  const finished = load.finish().then(() => true);
  const inTime = await Promise.race([finished, sleep(60_000, false, { ref: false })]);
  t.diagnostic(summary(load.record, outage, unrest.counts));
  assertNone(load.record.surprises, "clients saw");
  assert(inTime, `streams did not end: ${(await openOperations(database)).join()}`);
  const { code, output } = await build.result;
  assert.equal(code, 0, output);
  assert.equal(
    readFileSync(join(bazel.workspace, "bazel-bin/layers/whole.txt"), "utf8").trim(),
    "4\n".repeat(WIDTH).trim(),
  );
  await checkOperations(balancer.url, load.record);
  await checkStore(t, database, load.record);
});

/** Servers on one database and one bucket, with data directories, ports and bots of their own. */
function startReplicas(t: TestContext, database: string, s3: S3Server): Promise<OpgridProcess[]> {
  const start = async (bucket: string) => {
    const s3Flags = ["--cas-s3-bucket", bucket, "--cas-s3-endpoint", s3.endpoint];
    return startOpgrid(t, {
      flags: ["--store", database, ...s3Flags],
      prepare: async (dataDir) => {
        const profile = join(dirname(dataDir), ".aws", "credentials");
        await mkdir(dirname(profile));
        const { accessKeyId, secretAccessKey } = credentials;
        const lines = ["[default]", `aws_access_key_id = ${accessKeyId}`, `aws_secret_access_key = ${secretAccessKey}`];
        await writeFile(profile, `${lines.join("\n")}\n`);
      },
    });
  };
  return s3.createBucket().then((bucket) => Promise.all(Array.from({ length: REPLICAS }, () => start(bucket))));
}

/** Actions of a second each, in layers that each need all of the one before. */
function writeLayers(workspace: string): void {
  const rules = Array.from({ length: LAYERS * WIDTH }, (_, index) => {
    const layer = Math.floor(index / WIDTH);
    const srcs = layer === 0 ? [] : Array.from({ length: WIDTH }, (_, i) => `part_${(layer - 1) * WIDTH + i}.txt`);
    const cmd = `sleep 1 && echo ${layer} > $@ # ${index}`;
    return `genrule(name = "part_${index}", outs = ["part_${index}.txt"], srcs = ${JSON.stringify(srcs)}, cmd = "${cmd}")`;
  });
  const last = Array.from({ length: WIDTH }, (_, i) => `part_${(LAYERS - 1) * WIDTH + i}.txt`);
  rules.push(`genrule(name = "whole", outs = ["whole.txt"], srcs = ${JSON.stringify(last)}, cmd = "cat $(SRCS) > $@")`);
  mkdirSync(join(workspace, "layers"));
  writeFileSync(join(workspace, "layers", "BUILD"), `${rules.join("\n")}\n`);
}

async function stopDatabase(postgres: PostgresServer, random: () => number): Promise<void> {
  await postgres.stop(random() < 0.5 ? "fast" : "immediate");
  await sleep(DATABASE_OUTAGE_MS);
  await postgres.start();
}

/** Kills replicas, which somebody starts again, and cuts the connections that listen. */
function createUnrest(around: { replicas: readonly OpgridProcess[]; database: string; random: () => number }) {
  const { replicas, database, random } = around;
  const counts = { kills: 0, restarts: 0, failedStarts: 0, cuts: 0 };
  const reviving = new Map<OpgridProcess, Promise<void>>();

  /** As an orchestrator does it: until it works. */
  async function revive(replica: OpgridProcess): Promise<void> {
    for (;;) {
      await sleep(500 + 2500 * random());
      try {
        await replica.restart();
        counts.restarts++;
        return;
      } catch {
        counts.failedStarts++;
      }
    }
  }

  async function kill(): Promise<void> {
    const alive = replicas.filter((replica) => !reviving.has(replica));
    const victim = alive[Math.floor(random() * alive.length)];
    if (!victim) return;
    // That it is there: one that ended by itself is a failure.
    process.kill(victim.pid, 0);
    counts.kills++;
    const back = victim.kill().then(() => revive(victim));
    reviving.set(victim, back);
    void back.then(() => reviving.delete(victim));
  }

  async function cut(): Promise<void> {
    const [[ended] = []] = await runSql(
      database,
      `SELECT count(pg_terminate_backend(pid))::int FROM pg_stat_activity
       WHERE application_name = 'opgrid notices' AND datname = current_database()`,
    );
    counts.cuts += Number(ended);
  }

  return {
    counts,
    kill,
    for: async (ms: number) => {
      for (const end = Date.now() + ms; Date.now() < end; ) {
        await sleep(1000 + 3000 * random());
        await (random() < 0.6 ? kill() : cut());
      }
    },
    end: async () => {
      await Promise.all(reviving.values());
    },
  };
}

function summary(record: LoadRecord, database: { from: number; to: number }, counts: object): string {
  const longest = (outages: LoadRecord["outages"]) => Math.max(0, ...outages.map(({ ms }) => ms));
  const others = record.outages.filter(({ from, ms }) => from > database.to || from + ms < database.from);
  return [
    `${record.names.size} operations, ${record.ends.length} ends seen, streams taken up again ${record.resumed} times`,
    `longest outage that a client saw ${longest(record.outages)} ms, apart from that of the database ${longest(others)} ms`,
    `the database was away for ${database.to - database.from} ms; ${JSON.stringify(counts)}`,
  ].join("\n");
}

async function openOperations(database: string): Promise<string[]> {
  const rows = await runSql(database, "SELECT id || ' ' || stage FROM operations WHERE stage < 4");
  return rows.flat().map(String);
}

/** Not all of them, as to find their differences from nothing takes longer than the test. */
function assertNone(found: readonly unknown[], what: string): void {
  assert.equal(found.length, 0, `${what}: ${found.length}, among them\n${found.slice(0, 10).map(String).join("\n")}`);
}

/** All that clients know is listed, has ended, and ended for all in the same way. */
async function checkOperations(url: string, { names, ends }: LoadRecord): Promise<void> {
  using clients = connect(url);
  const listed = await listAll(clients, "sort_order=name");
  const live = listed.filter(({ done }) => !done);
  assertNone(
    live.map(({ name }) => name),
    "not done",
  );
  const results = new Map(
    listed.map(({ name, result }) => [
      name,
      result.case === "response" ? Buffer.from(result.value.value).toString("base64") : result.case,
    ]),
  );
  const lost = [...names].filter((name) => !results.has(name));
  assertNone(lost, "acknowledged and missing");
  const seen = Map.groupBy(ends, ({ name }) => name);
  const odd = [...names].filter((name) => seen.get(name)?.length !== 2);
  assertNone(odd, "not ended once for each stream");
  const different = ends.filter(({ name, result }) => result !== results.get(name));
  assertNone(
    different.map(({ name }) => name),
    "ended otherwise than is recorded",
  );
}

/** Each job ended once, by success, and whoever followed it was told soon. */
async function checkStore(t: TestContext, database: string, { ends }: LoadRecord): Promise<void> {
  const repeated = await runSql(
    database,
    `SELECT job_id FROM job_events WHERE kind IN (${JobEventKind.COMPLETION}, ${JobEventKind.CANCELLATION})
     GROUP BY job_id HAVING count(*) <> 1`,
  );
  assertNone(repeated, "jobs that ended more than once");
  const failed = await runSql(
    database,
    "SELECT id, status_code, attempts, command FROM jobs WHERE status_code IS DISTINCT FROM 0",
  );
  assertNone(failed, "jobs that failed");
  assertNone(await runSql(database, "SELECT id FROM operations WHERE cancelled = 1"), "cancelled operations");
  const rows = await runSql(database, "SELECT 'main/' || id, completed_at::float8 FROM operations");
  const endedAt = new Map(rows.map(([name, at]) => [name, Number(at)]));
  const delays = ends.map(({ name, at }) => at - (endedAt.get(String(name)) ?? 0));
  t.diagnostic(`longest time until the end of an operation was known to a client: ${Math.max(...delays)} ms`);
}
