import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  buildQuery,
  decodePageToken,
  type ListRequest,
  matches,
  type OperationQuery,
  type OperationRecord,
  pageSize,
  type SortKey,
  type SortValue,
  Stage,
  sortKeys,
  sortValuesOf,
} from "../../src/operations/operations.ts";
import { MOST_PAGE_BYTES } from "../../src/operations/paging.ts";
import { completedRecord, executingRecord, QUEUED_AT, ranWith, recordOf } from "./records.ts";
import { refusal } from "./refusals.ts";

const request = (over: Partial<ListRequest> = {}): ListRequest => ({
  instance: "main",
  filterText: "",
  defaultFilter: "stage != COMPLETED",
  pageSize: 0,
  pageToken: "",
  maxPageSize: 1000,
  now: QUEUED_AT,
  ...over,
});

test("a page size of 0 is the maximum, more is cut to it, and a negative one is refused", () => {
  assert.equal(pageSize(0, 1000), 1000);
  assert.equal(pageSize(7, 1000), 7);
  assert.equal(pageSize(1001, 1000), 1000);
  assert.equal(pageSize(2 ** 31 - 1, 1000), 1000);
  refusal("page_size", () => pageSize(-1, 1000));
});

test("a request names the field that is at fault", () => {
  refusal("filter", () => buildQuery(request({ filterText: "stage" })));
  refusal("page_size", () => buildQuery(request({ pageSize: -5 })));
  refusal("page_token", () => buildQuery(request({ pageToken: "x" })));
});

test("asks for one row more than the page has", () => {
  assert.deepEqual(buildQuery(request({ pageSize: 10 })).query, {
    instance: "main",
    filter: { kind: "compare", key: "stage", op: "!=", value: Stage.COMPLETED },
    order: [
      { key: "queued_time", descending: false },
      { key: "name", descending: false },
    ],
    after: undefined,
    limit: 11,
  });
});

test("gives a token exactly when there is a row beyond the page", () => {
  const list = buildQuery(request({ pageSize: 2 }));
  const rows = ["a", "b", "c"].map((id) => recordOf({ id }));
  assert.deepEqual(list.page([]), { operations: [], nextPageToken: "" });
  assert.deepEqual(list.page(rows.slice(0, 2)), { operations: rows.slice(0, 2), nextPageToken: "" });
  const page = list.page(rows);
  assert.deepEqual(page.operations, rows.slice(0, 2));
  assert.deepEqual(decodePageToken(page.nextPageToken, list.query).values, [QUEUED_AT, "b"]);
  const next = buildQuery(request({ pageSize: 2, pageToken: page.nextPageToken }));
  assert.deepEqual(next.query, { ...list.query, after: [QUEUED_AT, "b"] });
});

/** An operation whose response has so many bytes. */
function largeRecord(id: string, bytes: number): OperationRecord {
  const { job } = completedRecord({ ...ranWith(0), response: new Uint8Array(bytes) });
  return recordOf({ id }, job);
}

test("a page that would be too long ends early, with a token for the rest", () => {
  const rows = Array.from({ length: 10 }, (_, i) => largeRecord(`id-${i}`, MOST_PAGE_BYTES / 4));
  for (const pageSize of [10, 9, 5]) {
    const page = buildQuery(request({ pageSize })).page(rows.slice(0, pageSize + 1));
    assert.deepEqual(page.operations, rows.slice(0, 3));
    const next = buildQuery(request({ pageSize, pageToken: page.nextPageToken }));
    assert.deepEqual(next.query.after, [QUEUED_AT, "id-2"]);
  }
  const { operations } = buildQuery(request({ pageSize: 2 })).page(rows.slice(0, 3));
  assert.deepEqual(operations, rows.slice(0, 2));
});

test("a page has one operation at least, however large it is", () => {
  const rows = ["a", "b"].map((id) => largeRecord(id, 2 * MOST_PAGE_BYTES));
  const list = buildQuery(request());
  const page = list.page(rows);
  assert.deepEqual(page.operations, rows.slice(0, 1));
  assert.notEqual(page.nextPageToken, "");
  assert.deepEqual(list.page(rows.slice(1)), { operations: rows.slice(1), nextPageToken: "" });
});

test("all pages mean the same now", () => {
  const ask = request({ filterText: "queued_time <= now-1h OR duration > 5m", pageSize: 1 });
  const first = buildQuery(ask);
  const since = (value: number) => ({ kind: "compare", key: "queued_time", op: "<=", value });
  assert.deepEqual((first.query.filter as { terms: readonly unknown[] }).terms[0], since(QUEUED_AT - 3_600_000));
  const { nextPageToken } = first.page([recordOf({ id: "a" }), recordOf({ id: "b" })]);
  const second = buildQuery({ ...ask, pageToken: nextPageToken, now: QUEUED_AT + 60_000 });
  assert.deepEqual(second.query.filter, first.query.filter);
});

test("the page size may change from page to page", () => {
  const first = buildQuery(request({ pageSize: 1 }));
  const { nextPageToken } = first.page([recordOf({ id: "a" }), recordOf({ id: "b" })]);
  assert.equal(buildQuery(request({ pageSize: 50, pageToken: nextPageToken })).query.limit, 51);
});

test("reads the value of every sort key", () => {
  const order = (Object.keys(sortKeys) as SortKey[]).map((key) => ({ key, descending: false }));
  const valuesOf = (record: OperationRecord) =>
    Object.fromEntries(order.map(({ key }, i) => [key, sortValuesOf(record, order)[i]]));
  const waiting = {
    ...Object.fromEntries(order.map(({ key }) => [key, null])),
    name: "0198c0de-0000-7000-8000-000000000001",
    ...{ stage: 2, done: 0, cancelled: 0, cached: 0, priority: 0, attempts: 0 },
    ...{ queued_time: QUEUED_AT, update_time: QUEUED_AT },
    action_digest: `${"ab".repeat(32)}/142`,
    command: "gcc -c main.c",
  };
  assert.deepEqual(valuesOf(recordOf()), waiting);
  assert.deepEqual(valuesOf(completedRecord(ranWith(7), { priority: -3 })), {
    ...waiting,
    ...{ stage: 4, done: 1, exit_code: 7, priority: -3, attempts: 1, worker: "bot-1" },
    ...{ start_time: QUEUED_AT + 2000, completed_time: QUEUED_AT + 3000, update_time: QUEUED_AT + 3000 },
    ...{ queue_duration: 2000, duration: 1000 },
  });
  const identity = { actor: "ci", subject: "alice", workflow: "nightly" };
  const { tool_name, client_actor, client_subject, client_workflow, invocation_id } = valuesOf(
    recordOf({ identity, requestMetadata: { ...EMPTY_METADATA, toolName: "bazel" } }),
  );
  assert.deepEqual([tool_name, invocation_id], ["bazel", ""]);
  assert.deepEqual([client_actor, client_subject, client_workflow], ["ci", "alice", "nightly"]);
});

test("how a cancelled operation ended does not depend on its job, which may live on", () => {
  const order = ["error.code", "exit_code", "cached", "duration"].map((key) => ({
    key: key as SortKey,
    descending: false,
  }));
  const cancelled = { stage: Stage.COMPLETED, cancelled: true, completedAt: QUEUED_AT + 1500 };
  const running = executingRecord(cancelled, { startedAt: QUEUED_AT + 2000 });
  const ended = { ...completedRecord(ranWith(7)), ...cancelled };
  for (const record of [running, ended]) assert.deepEqual(sortValuesOf(record, order), [1, null, 0, null]);
});

test("the stage and the completed time are the operation's, not its job's", () => {
  const cancelled = executingRecord({ stage: Stage.COMPLETED, cancelled: true, completedAt: QUEUED_AT + 5 });
  const order = [
    { key: "stage", descending: false },
    { key: "completed_time", descending: false },
  ] as const;
  assert.deepEqual(sortValuesOf(cancelled, order), [Stage.COMPLETED, QUEUED_AT + 5]);
});

const EMPTY_METADATA = {
  ...{ toolName: "", toolVersion: "", actionId: "", invocationId: "", correlatedInvocationsId: "" },
  ...{ actionMnemonic: "", targetId: "", configurationId: "" },
};

function compareValues(a: SortValue, b: SortValue): number {
  if (a === b) return 0;
  if (a === null) return -1;
  return b === null || a > b ? 1 : -1;
}

function compareRows(a: readonly SortValue[], b: readonly SortValue[], { order }: OperationQuery): number {
  for (const [i, { descending }] of order.entries()) {
    const sign = compareValues(a[i] ?? null, b[i] ?? null);
    if (sign !== 0) return descending ? -sign : sign;
  }
  return 0;
}

function answer(all: readonly OperationRecord[], query: OperationQuery): OperationRecord[] {
  const valuesOf = (record: OperationRecord) => sortValuesOf(record, query.order);
  const { after } = query;
  return all
    .filter((record) => matches(query.filter, record))
    .filter((record) => !after || compareRows(valuesOf(record), after, query) > 0)
    .sort((a, b) => compareRows(valuesOf(a), valuesOf(b), query))
    .slice(0, query.limit);
}

test("pages put together are the whole list, in every order, with missing sort values and equal ones", () => {
  const maybe = fc.option(fc.nat(3), { nil: undefined });
  const record = fc
    .tuple(fc.nat(3), maybe, maybe, fc.constantFrom("a", "b|c", ""))
    .map(([queuedAt, startedAt, completedAt, command]) => ({ queuedAt, startedAt, completedAt, command }));
  const sort = fc
    .tuple(fc.constantFrom(...Object.keys(sortKeys)), fc.constantFrom("asc", "desc"))
    .map(([key, direction]) => `sort_order=${key}(${direction})`);
  fc.assert(
    fc.property(
      fc.array(record, { maxLength: 30 }),
      fc.array(sort, { minLength: 1 }),
      fc.integer({ min: 1, max: 7 }),
      (jobs, sorts, size) => {
        const all = jobs.map((job, i) => recordOf({ id: `id-${i}` }, job));
        const ask = request({ filterText: sorts.join(" & "), pageSize: size });
        const whole = answer(all, { ...buildQuery(ask).query, limit: all.length });
        const seen: OperationRecord[] = [];
        let pageToken = "";
        do {
          const list = buildQuery({ ...ask, pageToken });
          const page = list.page(answer(all, list.query));
          assert.ok(page.operations.length <= size);
          seen.push(...page.operations);
          pageToken = page.nextPageToken;
        } while (pageToken !== "");
        assert.deepEqual(
          seen.map((row) => row.id),
          whole.map((row) => row.id),
        );
        assert.equal(seen.length, all.length);
      },
    ),
  );
});
