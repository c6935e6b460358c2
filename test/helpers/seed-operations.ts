import { createHash } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { create } from "@bufbuild/protobuf";
import { ExecuteResponseSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { Code } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import { failedOutcome, outcomeOf, Stage } from "../../src/operations/operations.ts";
import { createSqliteStore } from "../../src/store/store.ts";

/** An operation that was put into a store, as far as tests of lists need it. Times are milliseconds since the epoch. */
export interface SeededOperation {
  readonly name: string;
  readonly stage: Stage;
  readonly queuedAt: number;
  /** Null while it lives. */
  readonly completedAt: number | null;
  /** Null when nothing is known of the client. */
  readonly toolName: string | null;
}

const SECOND = 1000;
const HOUR = 3600 * SECOND;

/** A cache that holds all indexes, and no care for what a crash would leave. */
const QUICK = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144";

const ended = (exitCode: number, cached = false) =>
  outcomeOf(create(ExecuteResponseSchema, { result: { exitCode } }), { cached });
const outcomes = [ended(0), ended(0, true), ended(1), failedOutcome(Code.DeadlineExceeded, "it took too long")];
const stages = [Stage.QUEUED, Stage.QUEUED, Stage.EXECUTING, Stage.COMPLETED, Stage.COMPLETED] as const;
const tools = ["bazel", "recc", "goma", null] as const;

/**
 * Fills the store of a data directory that no server uses yet with operations of one instance: of all stages and tools,
 * with names that have nothing to do with age, and times in whole seconds of a few hours, so that many are equal. One in
 * four follows the job of another, and half of those were cancelled on their own. What lives stays as it is under a
 * server: it counts as polled, what is queued wants a platform that no bot has, what executes is held by a bot session of
 * a day. But for the times, which end at about now, the same count gives the same operations.
 */
export async function seedOperations(dataDir: string, instance: string, count: number): Promise<SeededOperation[]> {
  await (await createSqliteStore({ dataDir, log: silentLog }))[Symbol.asyncDispose]();
  using db = new DatabaseSync(join(dataDir, "opgrid.db"));
  db.exec(`${QUICK}; BEGIN`);
  const from = Math.floor(Date.now() / SECOND) * SECOND - 3 * HOUR;
  const rows = seedRows(instance, count, from);
  insertAll(db, "platforms", [{ id: 1, instance, properties: '[["pool","seeded"]]' }]);
  insertAll(db, "sessions", [sessionRow(instance, from)]);
  insertAll(db, "jobs", rows.jobs);
  insertAll(db, "job_payloads", rows.payloads);
  insertAll(db, "operations", rows.operations);
  db.exec("COMMIT");
  return rows.operations.map((row) => ({
    ...{ name: `${instance}/${row.id}`, stage: row.stage, toolName: row.tool_name },
    ...{ queuedAt: row.queued_at, completedAt: row.completed_at },
  }));
}

function insertAll(db: DatabaseSync, table: string, rows: readonly Record<string, SQLInputValue>[]): void {
  const columns = Object.keys(rows[0] ?? {});
  const values = columns.map((column) => `:${column}`);
  const insert = db.prepare(`INSERT INTO ${table} (${columns.join()}) VALUES (${values.join()})`);
  for (const row of rows) insert.run(row);
}

function seedRows(instance: string, count: number, from: number) {
  const jobs: ReturnType<typeof jobRow>["row"][] = [];
  const payloads: { job_id: string; response: Uint8Array }[] = [];
  const operations: ReturnType<typeof operationRow>[] = [];
  for (let index = 0; index < count; index++) {
    const follows = index % 4 === 3;
    if (!follows) {
      const { row, outcome } = jobRow(instance, index, from);
      jobs.push(row);
      if (outcome) payloads.push({ job_id: row.id, response: outcome.response });
    }
    const job = jobs.at(-1);
    if (job) operations.push(operationRow(job, index, follows));
  }
  return { jobs, payloads, operations };
}

function jobRow(instance: string, index: number, from: number) {
  const { id, hash, draw } = lots(`job ${index}`);
  const stage = stages[draw(stages.length)] ?? Stage.QUEUED;
  const outcome = stage === Stage.COMPLETED ? outcomes[draw(outcomes.length)] : undefined;
  const queuedAt = from + draw(3600) * SECOND;
  const startedAt = stage === Stage.QUEUED || outcome?.cached ? null : queuedAt + SECOND;
  const row = {
    ...{ id, instance, digest_function: "sha256", action_hash: hash, action_size: 142, command: `cc -c ${index}.c` },
    ...{ platform_id: 1, priority: draw(3), cacheable: 0, timeout_ms: 24 * HOUR, stage, queued_at: queuedAt },
    ...{ attempts: startedAt ? 1 : 0, assigned_at: startedAt, started_at: startedAt },
    ...{ worker: startedAt ? "seeded" : null, session: stage === Stage.EXECUTING ? sessionName(instance) : null },
    ...{
      completed_at: outcome ? from + HOUR + draw(3600) * SECOND : null,
      cached: outcome ? Number(outcome.cached) : null,
    },
    ...{ status_code: outcome?.statusCode ?? null, exit_code: outcome?.exitCode ?? null },
  };
  return { row, outcome };
}

function operationRow(job: ReturnType<typeof jobRow>["row"], index: number, follows: boolean) {
  const { id, draw } = lots(`operation ${index}`);
  const cancelled = follows && draw(2) === 1;
  const tool = tools[draw(tools.length)] ?? null;
  const text = (value: string) => (tool === null ? null : value);
  return {
    ...{ instance: job.instance, id, job_id: job.id, stage: cancelled ? Stage.COMPLETED : job.stage },
    ...{ cancelled: Number(cancelled), polled: 1, created_at: job.queued_at, queued_at: job.queued_at },
    completed_at: cancelled ? job.queued_at + HOUR : job.completed_at,
    ...{ tool_name: tool, tool_version: text("1.0"), action_id: text(job.action_hash), configuration_id: text("") },
    ...{ invocation_id: text(`invocation-${draw(100)}`), correlated_invocations_id: text(`build-${draw(10)}`) },
    ...{ action_mnemonic: text("CppCompile"), target_id: text(`//src:part-${draw(1000)}`) },
  };
}

const sessionName = (instance: string) => `${instance}/seeded`;

function sessionRow(instance: string, from: number) {
  return {
    ...{ name: sessionName(instance), bot_id: "seeded", parent: instance, status: 1, capacity: 1, properties: "[]" },
    ...{ version: 1, updated_at: from, expires_at: from + 24 * HOUR },
  };
}

/** What seems random and is the same each time: an id, a hash, and numbers below a limit. */
function lots(of: string) {
  const hash = createHash("sha256").update(of).digest();
  const hex = hash.toString("hex");
  let used = 16;
  return {
    id: hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
    hash: hex,
    draw: (below: number): number => {
      used += 2;
      return hash.readUInt16BE(used - 2) % below;
    },
  };
}
