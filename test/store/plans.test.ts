import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { before, describe, test } from "node:test";
import { filterAt, resolveFilter, type SortValue } from "../../src/operations/operations.ts";
import { GET_ACTION_RESULT } from "../../src/store/sqlite/action-result-reads.ts";
import { CHANGED_OPERATIONS, DELETIONS } from "../../src/store/sqlite/change-reads.ts";
import { LAST_CHANGE } from "../../src/store/sqlite/change-statements.ts";
import { farmQueries } from "../../src/store/sqlite/farm-reads.ts";
import { figureQueries } from "../../src/store/sqlite/figures.ts";
import { jobQueries } from "../../src/store/sqlite/job-reads.ts";
import { NEXT_JOBS } from "../../src/store/sqlite/job-writes.ts";
import { OPERATION_STATE } from "../../src/store/sqlite/known-operations.ts";
import { listSql } from "../../src/store/sqlite/list-sql.ts";
import { migrate } from "../../src/store/sqlite/migrations.ts";
import { GET_OPERATION, LIVE_OPERATIONS } from "../../src/store/sqlite/operation-reads.ts";
import { PRUNE } from "../../src/store/sqlite/operation-writes.ts";
import { FIND_LIVE_JOB } from "../../src/store/sqlite/submit-writes.ts";

const db = new DatabaseSync(":memory:");
before(() => migrate(db, new URL("../../src/store/migrations/sqlite/", import.meta.url), 0));

function plan(sql: string): string[] {
  return db
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map(({ detail }) => String(detail));
}

const listOf = (text: string, after?: SortValue[]) => {
  const { filter, order } = resolveFilter(text, "stage != COMPLETED");
  return listSql({ instance: "main", filter: filterAt(filter, 1_000_000), order, after, limit: 10 });
};

const TIES = "USE TEMP B-TREE FOR LAST TERM OF ORDER BY";
const ALL_TERMS = "USE TEMP B-TREE FOR ORDER BY";

interface ListCase {
  readonly title: string;
  readonly filter: string;
  readonly after?: SortValue[];
  /** The lines of the plan that find the page. */
  readonly lines: readonly string[];
}

/** Lists whose cost depends on the size of the page only. */
const direct: readonly ListCase[] = [
  {
    title: "the default list",
    filter: "",
    lines: ["SEARCH o USING INDEX operations_completed (instance=? AND completed_at=?)"],
  },
  {
    title: "a later page of the default list",
    filter: "",
    after: [1, "a"],
    lines: ["SEARCH o USING INDEX operations_completed (instance=? AND completed_at=? AND (queued_at,id)>(?,?))"],
  },
  {
    title: "the default list, said in other words",
    filter: "NOT done",
    lines: ["SEARCH o USING INDEX operations_completed (instance=? AND completed_at=?)"],
  },
  {
    title: "a later page of one stage, newest first",
    filter: "stage = QUEUED & sort_order = queued_time(desc) & sort_order = name(desc)",
    after: [1, "a"],
    lines: ["SEARCH o USING INDEX operations_stage (instance=? AND stage=? AND (queued_at,id)<(?,?))"],
  },
  {
    title: "a later page of everything, newest first, with names ascending",
    filter: "sort_order = queued_time(desc)",
    after: [1, "a"],
    lines: ["SEARCH o USING INDEX operations_queued (instance=? AND queued_at<?)", TIES],
  },
  {
    title: "a later page of what was queued in the last hour",
    filter: "queued_time > now-1h & queued_time < now",
    after: [1, "a"],
    lines: ["SEARCH o USING INDEX operations_queued (instance=? AND (queued_at,id)>(?,?) AND queued_at<?)"],
  },
  {
    title: "a later page of an invocation",
    filter: "invocation_id = x",
    after: [1, "a"],
    lines: ["SEARCH o USING INDEX operations_invocation (instance=? AND invocation_id=? AND (queued_at,id)>(?,?))"],
  },
  {
    title: "correlated invocations",
    filter: "correlated_invocations_id = x & queued_time > now-1h",
    lines: ["SEARCH o USING INDEX operations_correlated (instance=? AND correlated_invocations_id=? AND queued_at>?)"],
  },
  {
    title: "the latest of a target",
    filter: "target_id = //a:b & sort_order = queued_time(desc)",
    lines: ["SEARCH o USING INDEX operations_target (instance=? AND target_id=?)", TIES],
  },
  {
    title: "a later page of an action",
    filter: "action_digest = abc/1",
    after: [1, "a"],
    lines: [
      "SEARCH j USING INDEX jobs_action (instance=? AND action_digest=? AND queued_at>?)",
      "SEARCH o USING INDEX operations_job (job_id=?)",
      TIES,
    ],
  },
  {
    title: "the latest of a worker",
    filter: "worker = bot-1 & sort_order = queued_time(desc)",
    lines: [
      "SEARCH j USING INDEX jobs_worker (instance=? AND worker=?)",
      "SEARCH o USING INDEX operations_job (job_id=?)",
      TIES,
    ],
  },
  {
    title: "a later page of what ended last",
    filter: "done & sort_order = completed_time(desc)",
    after: [1, "a"],
    lines: ["SEARCH o USING INDEX operations_completed (instance=? AND completed_at<?)", TIES],
  },
  {
    title: "what ended in the last hour",
    filter: "completed_time > now-1h & sort_order = completed_time(desc)",
    lines: ["SEARCH o USING INDEX operations_completed (instance=? AND completed_at>?)", TIES],
  },
  {
    title: "a later page by name",
    filter: "sort_order = name",
    after: ["a"],
    lines: ["SEARCH o USING INDEX sqlite_autoindex_operations_1 (instance=? AND id>?)"],
  },
  {
    title: "an operation by its name",
    filter: "name = a",
    lines: ["SEARCH o USING INDEX sqlite_autoindex_operations_1 (instance=? AND id=?)"],
  },
];

/** Lists that go along an index and leave rows out on the way. */
const walks: readonly ListCase[] = [
  {
    title: "what one tool had completed, newest first",
    filter: "stage = completed & tool_name = bazel & sort_order = queued_time(desc)",
    after: [1, "a"],
    lines: ["SEARCH o USING INDEX operations_stage (instance=? AND stage=? AND queued_at<?)", TIES],
  },
  {
    title: "what failed in an invocation",
    filter: "invocation_id = x & error.code:*",
    lines: ["SEARCH o USING INDEX operations_invocation (instance=? AND invocation_id=?)"],
  },
  {
    title: "all by completion, the latest first",
    filter: "sort_order = completed_time(desc)",
    lines: ["SEARCH o USING INDEX operations_completed (instance=? AND completed_at>?)", TIES],
  },
];

/** Lists that sort all that an index gives. */
const sorts: readonly ListCase[] = [
  {
    title: "the slowest of the last hour",
    filter: "completed_time > now-1h & sort_order = duration(desc)",
    lines: ["SEARCH o USING INDEX operations_completed (instance=? AND completed_at>?)", "SEARCH j", ALL_TERMS],
  },
  {
    title: "an invocation by completion",
    filter: "invocation_id = x & sort_order = completed_time",
    lines: ["SEARCH o USING INDEX operations_invocation (instance=? AND invocation_id=?)", ALL_TERMS],
  },
  {
    title: "the queue by priority",
    filter: "stage = QUEUED & sort_order = priority",
    lines: ["SEARCH o USING INDEX operations_stage (instance=? AND stage=?)", "SEARCH j", ALL_TERMS],
  },
];

/** The lines of a plan that find the page, each cut to the length of what is wanted. */
function pageLines(sql: string, wanted: readonly string[]): string[] {
  const lines = plan(sql).map((line) => line.replace("COVERING INDEX", "INDEX"));
  const first = lines.findIndex((line) => line.startsWith("SEARCH"));
  return wanted.map((line, i) => (lines[first + i] ?? "").slice(0, line.length));
}

describe("the plan of a list", () => {
  for (const { title, filter, after, lines } of direct) {
    test(`${title} seeks its page in an index`, () => {
      const { head, whole, scans } = listOf(filter, after);
      assert.equal(head, undefined);
      assert.equal(scans, false);
      assert.deepEqual(pageLines(whole.sql, lines), lines);
      const afterPage = plan(whole.sql).slice(1 + lines.length);
      assert.equal(afterPage[0], "SCAN page");
    });
  }

  for (const { title, filter, after, lines } of walks) {
    test(`${title} goes along an index, at first not far`, () => {
      const { head, whole, scans } = listOf(filter, after);
      assert.equal(scans, true);
      assert.ok(head);
      assert.deepEqual(pageLines(head.sql, lines), lines);
      assert.ok(!plan(head.sql).some((line) => /MATERIALIZE/.test(line)));
      assert.deepEqual(pageLines(whole.sql, lines.slice(0, 1)), lines.slice(0, 1));
    });
  }

  for (const { title, filter, after, lines } of sorts) {
    test(`${title} sorts no more than an index gives`, () => {
      const { head, whole, scans } = listOf(filter, after);
      assert.equal(scans, true);
      assert.equal(head, undefined);
      assert.deepEqual(pageLines(whole.sql, lines), lines);
    });
  }
});

describe("the plan of", () => {
  const queries: Record<string, [sql: string, search: string]> = {
    "finding an operation": [GET_OPERATION, "SEARCH o USING INDEX sqlite_autoindex_operations_1 (instance=? AND id=?)"],
    "finding out whether an operation has changed": [
      OPERATION_STATE,
      "SEARCH o USING INDEX sqlite_autoindex_operations_1 (instance=? AND id=?)",
    ],
    "finding what changed": [CHANGED_OPERATIONS, "SEARCH o USING INDEX operations_changed (changed>?)"],
    "finding what was deleted": [DELETIONS, "SEARCH deleted_operations USING INTEGER PRIMARY KEY (rowid>?)"],
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
    "finding a page of bot sessions": [
      farmQueries.sessionPage,
      "SEARCH sessions USING INDEX sqlite_autoindex_sessions_1 (name>?)",
    ],
    "finding what ended before a time": [PRUNE, "SEARCH operations USING INTEGER PRIMARY KEY (rowid=?)"],
    "finding figures": [figureQueries.find, "SEARCH figures USING PRIMARY KEY (instance=? AND minute>? AND minute<?)"],
    "finding old figures": [
      figureQueries.prune,
      "SEARCH figures USING PRIMARY KEY (instance=? AND minute=? AND part=?)",
    ],
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
        rest.filter((line) => !/^(SEARCH|LIST SUBQUERY|SCAN json_each|CREATE BLOOM FILTER)/.test(line)),
        sorts,
      );
    });
  }

  test("counting the jobs ahead reads only the head of one platform's queue", () => {
    const lines = plan(farmQueries.jobsAhead);
    assert.ok(lines.some((line) => line.startsWith("SEARCH jobs USING COVERING INDEX jobs_queue (platform_id=?)")));
    assert.ok(!lines.some((line) => line.includes("TEMP B-TREE")), lines.join("\n"));
  });

  test("who wants a job is found in the index of the job's operations", () => {
    assert.deepEqual(plan(farmQueries.jobOperations), [
      "SEARCH o USING INDEX operations_job (job_id=?)",
      "SCALAR SUBQUERY 1",
      "SEARCH live USING COVERING INDEX operations_job (job_id=? AND completed_at=?)",
      "USE TEMP B-TREE FOR ORDER BY",
    ]);
  });

  test("the platforms of instances are found in their index, their jobs in the queue's", () => {
    const lines = plan(farmQueries.platformQueues);
    assert.ok(
      lines.some((line) => /^SEARCH p USING COVERING INDEX sqlite_autoindex_platforms_1 \(instance=\?\)/.test(line)),
    );
    assert.ok(!lines.some((line) => /^SCAN (j|jobs)$/.test(line)), lines.join("\n"));
  });

  test("the last change is at the end of its index", () => {
    const lines = plan(LAST_CHANGE);
    assert.ok(
      lines.includes("SEARCH operations USING COVERING INDEX operations_changed (changed>?)"),
      lines.join("\n"),
    );
    assert.ok(!lines.some((line) => line.includes("TEMP B-TREE")), lines.join("\n"));
  });

  test("a history is read in its order", () => {
    const lines = plan(jobQueries.history);
    assert.ok(lines.includes("SEARCH job_events USING PRIMARY KEY (job_id=?)"), lines.join("\n"));
    assert.ok(!lines.some((line) => line.includes("TEMP B-TREE")), lines.join("\n"));
  });
});
