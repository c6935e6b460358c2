import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import pg from "pg";
import { silentLog } from "../../src/base/log.ts";
import { filterAt, resolveFilter, type SortValue } from "../../src/operations/operations.ts";
import { actionResultQueries } from "../../src/store/postgres/action-results.ts";
import { CHANGES } from "../../src/store/postgres/change-reads.ts";
import { CLAIM } from "../../src/store/postgres/claims.ts";
import { PRUNE } from "../../src/store/postgres/deletions.ts";
import { COMPLETE } from "../../src/store/postgres/end-writes.ts";
import { farmQueries } from "../../src/store/postgres/farm-reads.ts";
import { figureQueries } from "../../src/store/postgres/figures.ts";
import { jobQueries } from "../../src/store/postgres/job-reads.ts";
import { REPORT } from "../../src/store/postgres/job-writes.ts";
import { listSql } from "../../src/store/postgres/list-sql.ts";
import { NEWS } from "../../src/store/postgres/news-reads.ts";
import {
  GET_OPERATION,
  GET_OPERATIONS,
  OPERATION_STATE,
  OPERATION_STATES,
} from "../../src/store/postgres/operation-lookup.ts";
import { LIVE_OPERATIONS } from "../../src/store/postgres/operation-reads.ts";
import { CANCEL } from "../../src/store/postgres/operation-writes.ts";
import { sessionQueries } from "../../src/store/postgres/sessions.ts";
import type { Param, Statement } from "../../src/store/postgres/statement.ts";
import { createPostgresStore } from "../../src/store/store.ts";
import { sharedPostgres } from "../helpers/postgres.ts";
import { seedPostgres } from "../helpers/seed-postgres.ts";

let client: pg.Client;
before(async () => {
  const url = await (await sharedPostgres()).createDatabase();
  await (await createPostgresStore({ url, log: silentLog }))[Symbol.asyncDispose]();
  await seedPostgres(url, 30_000);
  client = new pg.Client({ connectionString: url });
  // The server may end first.
  client.on("error", () => {});
  await client.connect();
});
after(() => client.end());

async function plan(text: string, params: readonly Param[]): Promise<string> {
  const { rows } = await client.query<[string]>({ text: `EXPLAIN ${text}`, values: [...params], rowMode: "array" });
  return rows.map(([line]) => line).join("\n");
}

const bytes = new Uint8Array([1]);
const digest = ["main", "abc", 1, "sha256"] as const;
const end = [1, null, 0, 0, 0, bytes, null, null] as const;

/** Statements, parameters, and the indexes behind them. */
const statements: readonly (readonly [statement: Statement, params: readonly Param[], indexes: readonly string[]])[] = [
  [GET_OPERATIONS, [["main"], ["a"]], ["operations_pkey", "jobs_pkey", "job_payloads_pkey"]],
  [GET_OPERATION, ["main", "a"], ["operations_pkey", "jobs_pkey", "job_payloads_pkey"]],
  [OPERATION_STATES, [["main"], ["a"]], ["operations_pkey", "jobs_pkey"]],
  [OPERATION_STATE, ["main", "a"], ["operations_pkey", "jobs_pkey"]],
  [LIVE_OPERATIONS, [], ["operations_live"]],
  [CLAIM, [["main/bot"], ["bot"], [1], [1, 2], 33], ["jobs_pkey", "operations_job", "job_events_pkey"]],
  [COMPLETE, [...end, "a", "main/bot"], ["jobs_pkey", "operations_job"]],
  [REPORT, ["a", "main/bot", bytes, null, [], []], ["jobs_pkey", "operations_job"]],
  [CANCEL, ["main", "a", 1, 1, null, 0, bytes, null], ["operations_pkey", "jobs_pkey", "operations_job"]],
  [PRUNE, ["main", 1, 100], ["operations_completed", "jobs_pkey"]],
  [CHANGES, [1, 1, 100], ["operations_changed"]],
  [NEWS, [1, 1, 1000], ["operations_changed", "jobs_pkey"]],
  [jobQueries.get, ["a"], ["jobs_pkey"]],
  [jobQueries.leased, [["main/bot", "main/other"]], ["jobs_session"]],
  [jobQueries.liveOfInstance, ["main"], ["jobs_live"]],
  [jobQueries.overdue, [1, 10], ["jobs_deadline"]],
  [jobQueries.queuedBefore, ["main", 1, 10], ["jobs_live"]],
  [jobQueries.history, ["a"], ["jobs_pkey", "job_events_pkey"]],
  [farmQueries.jobsAhead, ["a", 300], ["jobs_pkey", "jobs_queue"]],
  [farmQueries.leases, ["main/bot"], ["jobs_session", "operations_job"]],
  [farmQueries.platformQueues, [["main"]], ["jobs_queue"]],
  [farmQueries.jobOperations, ["a", 100], ["operations_job"]],
  [figureQueries.find, ["instance-1", 1, 60], ["figures_(?:pkey|minute)"]],
  [figureQueries.prune, [1, 1000], ["figures_minute", "figures_pkey"]],
  [sessionQueries.remove, ["main/bot"], ["jobs_session"]],
  [actionResultQueries.get, digest, ["action_results_instance_action_hash_action_size_digest_func_key"]],
];

describe("the plan of", () => {
  for (const [{ name, text }, params, indexes] of statements) {
    test(`${name} visits no more of the large tables than it needs`, async () => {
      const lines = await plan(text, params);
      assert.doesNotMatch(lines, /Seq Scan on (jobs|operations|job_events|action_results|figures)/, lines);
      for (const index of indexes) assert.match(lines, new RegExp(`\\b${index}\\b`), lines);
    });
  }
});

test("the head of a queue is found by its index, in the function that looks at it", async () => {
  const visited = async () => {
    const text = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM queue_head('{1,2}', 33)";
    const { rows } = await client.query<{ "QUERY PLAN": [{ Plan: Record<string, number> }] }>(text);
    const { "Shared Hit Blocks": hit = 0, "Shared Read Blocks": read = 0 } = rows[0]?.["QUERY PLAN"][0].Plan ?? {};
    return hit + read;
  };
  // The first call reads the catalog besides.
  await visited();
  const blocks = await visited();
  // 66 rows are somewhere in a table of more than a thousand blocks.
  assert.ok(blocks > 0 && blocks < 150, `${blocks} blocks`);
});

interface ListCase {
  readonly filter: string;
  readonly after?: SortValue[];
  readonly index: string;
}

/** Lists whose pages an index gives in their order. */
const direct: readonly ListCase[] = [
  { filter: "", index: "operations_live" },
  { filter: "", after: [1, "a"], index: "operations_live" },
  { filter: "NOT done", index: "operations_live" },
  { filter: "stage = QUEUED & sort_order = queued_time(desc) & sort_order = name(desc)", index: "operations_stage" },
  { filter: "stage = completed & sort_order = queued_time(desc)", after: [15_000, "a"], index: "operations_stage" },
  { filter: "sort_order = queued_time(desc)", after: [15_000, "a"], index: "operations_queued" },
  { filter: "stage = completed & tool_name = tool-1 & sort_order = queued_time(desc)", index: "operations_stage" },
  { filter: "done & sort_order = completed_time(desc)", after: [15_000, "a"], index: "operations_completed" },
  { filter: "sort_order = completed_time(desc)", index: "operations_completed" },
  { filter: "sort_order = completed_time", index: "operations_completed" },
  { filter: "sort_order = name", after: ["a"], index: "operations_pkey" },
];

/** Lists whose rows an index finds, and which are few enough to be sorted. */
const lookups: readonly ListCase[] = [
  { filter: "name = a", index: "operations_pkey" },
  { filter: "invocation_id = invocation-7", after: [1, "a"], index: "operations_invocation" },
  { filter: "target_id = //src:part-7 & sort_order = queued_time(desc)", index: "operations_target" },
  { filter: "action_digest = abc/1", after: [1, "a"], index: "jobs_action" },
  { filter: "worker = bot-7 & sort_order = queued_time(desc)", index: "jobs_worker" },
];

describe("the plan of a list", () => {
  const listOf = ({ filter: text, after }: ListCase) => {
    const { filter, order } = resolveFilter(text, "stage != COMPLETED");
    return listSql({ instance: "main", filter: filterAt(filter, 1_000_000), order, after, limit: 10 });
  };

  /** What finds the page is the innermost limit. */
  const pageOf = (lines: string) => lines.slice(lines.indexOf("Limit"));

  for (const list of direct) {
    test(`${list.filter || "by default"}${list.after ? ", later" : ""}, goes along an index`, async () => {
      const { text, params } = listOf(list);
      const lines = pageOf(await plan(text, params));
      assert.match(lines, new RegExp(`using ${list.index}\\b`), lines);
      assert.doesNotMatch(lines.slice(0, lines.indexOf(list.index)), /(?<!Incremental )Sort {2}\(|Seq Scan/, lines);
    });
  }

  for (const list of lookups) {
    test(`${list.filter}${list.after ? ", later" : ""}, looks up what it sorts`, async () => {
      const { text, params } = listOf(list);
      const lines = pageOf(await plan(text, params));
      assert.match(lines, new RegExp(`\\b${list.index}\\b`), lines);
      assert.doesNotMatch(lines, /Seq Scan on (jobs|operations)/, lines);
    });
  }
});
