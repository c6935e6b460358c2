import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { before, describe, test } from "node:test";
import type { Filter, SortKey, SortTerm, SortValue } from "../../src/operations/operations.ts";
import { GET_ACTION_RESULT } from "../../src/store/sqlite/action-result-reads.ts";
import { jobQueries } from "../../src/store/sqlite/job-reads.ts";
import { NEXT_JOBS } from "../../src/store/sqlite/job-writes.ts";
import { listSql } from "../../src/store/sqlite/list-sql.ts";
import { migrate } from "../../src/store/sqlite/migrations.ts";
import { GET_OPERATION, LIVE_OPERATIONS } from "../../src/store/sqlite/operation-reads.ts";
import { FIND_LIVE_JOB } from "../../src/store/sqlite/submit-writes.ts";

const db = new DatabaseSync(":memory:");
before(() => migrate(db, new URL("../../src/store/migrations/sqlite/", import.meta.url), 0));

function plan(sql: string): string[] {
  return db
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map(({ detail }) => String(detail));
}

const ALL: Filter = { kind: "and", terms: [] };
const stage = (op: "=" | "!=" | "<", value: number): Filter => ({ kind: "compare", key: "stage", op, value });

function order(key: SortKey, descending = false): SortTerm[] {
  return key === "name"
    ? [{ key, descending }]
    : [
        { key, descending },
        { key: "name", descending },
      ];
}

interface ListCase {
  readonly title: string;
  readonly filter: Filter;
  readonly order: SortTerm[];
  readonly after?: SortValue[];
  /** The line of the plan that finds the page. */
  readonly search: string;
  readonly sortsTies?: boolean;
}

const NOT_DONE = stage("!=", 4);
const lists: ListCase[] = [
  {
    title: "the default list",
    filter: NOT_DONE,
    order: order("queued_time"),
    search: "operations_completed (instance=? AND completed_at=?)",
  },
  {
    title: "a later page of the default list",
    filter: { kind: "and", terms: [stage("<", 4)] },
    order: order("queued_time"),
    after: [1, "a"],
    search: "operations_completed (instance=? AND completed_at=? AND (queued_at,id)>(?,?))",
  },
  {
    title: "a later page of what is queued, newest first",
    filter: stage("=", 2),
    order: order("queued_time", true),
    after: [1, "a"],
    search: "operations_stage (instance=? AND stage=? AND (queued_at,id)<(?,?))",
  },
  {
    title: "a later page of everything",
    filter: ALL,
    order: order("queued_time"),
    after: [1, "a"],
    search: "operations_queued (instance=? AND (queued_at,id)>(?,?))",
  },
  {
    title: "a later page of everything, newest first with names ascending",
    filter: ALL,
    order: [...order("queued_time", true).slice(0, 1), ...order("name")],
    after: [1, "a"],
    search: "operations_queued (instance=? AND queued_at<?)",
    sortsTies: true,
  },
  {
    title: "what ended last",
    filter: stage("=", 4),
    order: order("completed_time", true),
    search: "operations_completed (instance=? AND completed_at>?)",
    sortsTies: true,
  },
  {
    title: "a later page by name",
    filter: ALL,
    order: order("name"),
    after: ["a"],
    search: "sqlite_autoindex_operations_1 (instance=? AND id>?)",
  },
];

describe("the plan of a list", () => {
  for (const { title, filter, order, after, search, sortsTies = false } of lists) {
    test(`${title} seeks its page in an index and sorts nothing`, () => {
      const statement = listSql({ instance: "main", filter, order, after, limit: 10 });
      const lines = plan(statement.sql);
      assert.equal(statement.scans, false);
      const page = lines.slice(1, lines.indexOf("SCAN page"));
      assert.match(page[0] ?? "", new RegExp(`SEARCH o USING (COVERING )?INDEX ${RegExp.escape(search)}`));
      assert.deepEqual(page.slice(1), sortsTies ? ["USE TEMP B-TREE FOR LAST TERM OF ORDER BY"] : []);
    });
  }

  test("orders without an index are known to be long", () => {
    for (const key of ["stage", "start_time", "action_digest", "command", "priority"] as const) {
      assert.equal(listSql({ instance: "", filter: ALL, order: order(key), after: undefined, limit: 1 }).scans, true);
    }
  });
});

describe("the plan of", () => {
  const queries: Record<string, [sql: string, search: string]> = {
    "finding an operation": [GET_OPERATION, "SEARCH o USING INDEX sqlite_autoindex_operations_1 (instance=? AND id=?)"],
    "finding a job": [jobQueries.get, "SEARCH j USING INDEX sqlite_autoindex_jobs_1 (id=?)"],
    "finding the next jobs": [NEXT_JOBS, "SEARCH jobs USING COVERING INDEX jobs_queue (platform_id=?)"],
    "finding the live job of an action": [FIND_LIVE_JOB, "SEARCH jobs USING INDEX jobs_live_action (instance=? AND"],
    "finding what a session holds": [jobQueries.leased, "SEARCH j USING INDEX jobs_session (session=?)"],
    "finding the live jobs of an instance": [jobQueries.liveOfInstance, "SEARCH j USING INDEX jobs_live (instance=?)"],
    "finding overdue jobs": [jobQueries.overdue, "SEARCH j USING INDEX jobs_deadline (<expr><?)"],
    "finding jobs that wait": [jobQueries.queuedBefore, "SEARCH j USING INDEX jobs_live (instance=? AND queued_at<?)"],
    "finding new platforms": [jobQueries.platforms, "SEARCH platforms USING INTEGER PRIMARY KEY (rowid>?)"],
    "finding all live jobs": [jobQueries.live, "SCAN j USING INDEX jobs_live"],
    "finding all live operations": [LIVE_OPERATIONS, "SCAN j USING INDEX jobs_live"],
    "finding an action result": [
      GET_ACTION_RESULT,
      "SEARCH action_results USING INDEX sqlite_autoindex_action_results_1",
    ],
  };
  for (const [title, [sql, search]] of Object.entries(queries)) {
    test(`${title} uses its index`, () => {
      const [first = "", ...rest] = plan(sql);
      assert.ok(first.startsWith(search), first);
      const sorts = title === "finding what a session holds" ? ["USE TEMP B-TREE FOR ORDER BY"] : [];
      assert.deepEqual(
        rest.filter((line) => !line.startsWith("SEARCH")),
        sorts,
      );
    });
  }
});
