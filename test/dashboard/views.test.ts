import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BUILT_IN,
  parseViews,
  renamed,
  type View,
  viewOf,
  withoutView,
  withView,
} from "../../dashboard/src/operations/views.ts";
import { parseFilter } from "../../src/operations/operations.ts";

const mine: View = { name: "Mine", filter: "tool_name = bazel" };
const wide: View = { name: "Wide", filter: "tool_name = bazel", columns: "stage,name" };

test("the views that everybody has are filters that the server takes", () => {
  for (const { filter } of BUILT_IN) parseFilter(filter);
  assert.equal(new Set(BUILT_IN.map(({ name }) => name)).size, BUILT_IN.length);
});

test("the current view is the one with the filter and the columns, or with the usual columns", () => {
  const views = [...BUILT_IN, mine, wide];
  assert.equal(viewOf(views, "", undefined)?.name, "All");
  assert.equal(viewOf(views, " error.code=CANCELLED & sort_order=completed_time(desc)", undefined)?.name, "Cancelled");
  assert.equal(viewOf(views, "tool_name=bazel", "stage,name"), wide);
  assert.equal(viewOf(views, "tool_name = bazel", "name"), mine);
  assert.equal(viewOf(views, "tool_name = recc", undefined), undefined);
});

test("views are saved, replaced, renamed and deleted by their names", () => {
  const saved = withView([mine], { ...wide, name: " Wide " });
  assert.deepEqual(saved, [mine, wide]);
  assert.deepEqual(withView(saved, { name: "Mine", filter: "done" }), [wide, { name: "Mine", filter: "done" }]);
  assert.deepEqual(withView(saved, { name: "  ", filter: "done" }), saved);
  assert.deepEqual(renamed(saved, "Mine", "Ours"), [{ ...mine, name: "Ours" }, wide]);
  assert.deepEqual(renamed(saved, "Mine", "Wide"), saved);
  assert.deepEqual(withoutView(saved, "Mine"), [wide]);
});

test("whatever a browser has kept, views come out of it or none do", () => {
  assert.deepEqual(parseViews(JSON.stringify([mine, wide])), [mine, wide]);
  const wrong = [null, 1, "x", {}, { name: "", filter: "" }, { name: "x" }, { name: 1, filter: "" }];
  assert.deepEqual(parseViews(JSON.stringify([...wrong, mine, { ...mine, columns: 3 }])), [mine]);
  for (const text of [null, "", "{", "{}", "3", "null"]) assert.deepEqual(parseViews(text), []);
});
