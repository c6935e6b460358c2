import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { createRows } from "../../dashboard/src/operations/row.ts";
import { rowOrder } from "../../dashboard/src/operations/row-order.ts";
import { createSortedRows } from "../../dashboard/src/operations/rows.ts";
import { OperationSummarySchema, WatchOperationsResponseSchema } from "../../gen/opgrid/v1/opgrid_pb.ts";

const ids = fc.integer({ min: 0, max: 12 }).map((id) => `main/${id}`);
const puts = fc
  .record({ name: ids, queued: fc.option(fc.integer({ min: 0, max: 5 })), attempts: fc.nat(2) })
  .map(({ name, queued, attempts }) => ({
    case: "summary" as const,
    value: create(OperationSummarySchema, {
      name,
      attempts,
      ...(queued !== null && { queuedTime: timestampFromMs(queued) }),
    }),
  }));
const goes = fc.record({ case: fc.constantFrom("left" as const, "deleted" as const), value: ids });
const changes = fc.array(fc.oneof({ arbitrary: puts, weight: 3 }, goes), { maxLength: 60 });
const orders = fc.constantFrom(
  "",
  "sort_order = queued_time(desc)",
  "sort_order = attempts & sort_order = queued_time(desc)",
  "sort_order = name(desc)",
);

type Change = NonNullable<ReturnType<typeof goes.generate>["value"]> | { case: "summary"; value: { name: string } };

function applyAll(rows: ReturnType<typeof createSortedRows>, all: readonly unknown[]): void {
  const news = all.map((change) => ({ change })) as never[];
  rows.apply(create(WatchOperationsResponseSchema, { changes: news }));
}

test("whatever comes and goes, the rows are what is there, in order", () => {
  fc.assert(
    fc.property(changes, orders, (all, filter) => {
      const rows = createSortedRows(rowOrder(filter), 1000);
      applyAll(rows, all);
      const known = new Map<string, unknown>();
      for (const change of all as Change[]) {
        if (change.case === "summary") known.set(change.value.name, change.value);
        else known.delete(change.value);
      }
      const toRow = createRows();
      const expected = [...known.values()].map((value) => toRow(value as never)).sort(rowOrder(filter));
      assert.deepEqual(rows.all(), expected);
      for (const [at, row] of rows.all().entries()) {
        assert.equal(rows.placeOf(row), at);
        assert.equal(rows.get(row.name), row);
      }
    }),
    { numRuns: 500 },
  );
});

test("of more than are kept the first are, and it is known that there are more", () => {
  fc.assert(
    fc.property(fc.array(puts, { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 6 }), (all, limit) => {
      const order = rowOrder("sort_order = name");
      const rows = createSortedRows(order, limit);
      applyAll(rows, all);
      const names = [...new Set(all.map(({ value }) => value.name))];
      const toRow = createRows();
      const sorted = names.map((name) => toRow(create(OperationSummarySchema, { name }))).sort(order);
      assert.deepEqual(
        rows.all().map(({ name }) => name),
        sorted.slice(0, limit).map(({ name }) => name),
      );
      assert.equal(rows.truncated(), names.length > limit);
    }),
  );
});

test("a row that is gone still has a place among the others", () => {
  const rows = createSortedRows(rowOrder("sort_order = name"), 10);
  const put = (name: string) => ({ case: "summary", value: create(OperationSummarySchema, { name }) });
  applyAll(rows, ["main/a", "main/c", "main/e"].map(put));
  const row = rows.get("main/c");
  assert.ok(row);
  applyAll(rows, [{ case: "deleted", value: "main/c" }, put("main/b")]);
  assert.equal(rows.placeOf(row), 2);
});
