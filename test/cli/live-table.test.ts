import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { unavailable } from "../../src/base/errors.ts";
import type { FilterFlags } from "../../src/cli/filter-flags.ts";
import { createLiveTable } from "../../src/cli/live-table.ts";
import { firstRows, type PlacedRow, rowOrder } from "../../src/cli/row-order.ts";
import { deleted, left, matching, news } from "./changes.ts";
import { exited, operation, QUEUED_AT } from "./samples.ts";

const NOW = QUEUED_AT + 4_000;

function liveTable(flags: FilterFlags = {}) {
  const table = createLiveTable("main", flags);
  const tell = (...args: Parameters<typeof news>) => table.take({ kind: "news", response: news(...args) }, NOW);
  const lines = (columns = 100, height = 24) => table.draw(columns, height, NOW);
  const names = () =>
    lines()
      .slice(3)
      .map((line) => line.split(" ")[0]);
  return { ...table, tell, lines, names };
}

const queued = (name: string) => matching(operation({ name }));
const executing = (name: string, worker = "bot-1") => matching(operation({ name, stage: "EXECUTING", worker }));

test("the table shows what matches now, with counts by stage", () => {
  const { tell, lines, names } = liveTable();
  assert.deepEqual(lines().slice(0, 2), ["0 operations", "main: connecting"]);
  tell([queued("main/1"), queued("main/2")], { reset: true, live: false });
  assert.equal(lines()[1], "main: reading what matches");
  tell([executing("main/1"), queued("main/3")]);
  assert.deepEqual(lines(), [
    "3 operations: 2 QUEUED, 1 EXECUTING",
    "main: live",
    "NAME    STAGE      RESULT  WAITED  RAN   WORKER  ACTION",
    "main/1  EXECUTING          2.0s    2.0s  bot-1   abababababab",
    "main/2  QUEUED             4.0s                  abababababab",
    "main/3  QUEUED             4.0s                  abababababab",
  ]);
  tell([left("main/1"), deleted("main/3"), left("main/unknown")]);
  assert.deepEqual(names(), ["main/2"]);
  tell([queued("main/9")], { reset: true });
  assert.deepEqual(names(), ["main/9"]);
  assert.equal(lines()[0], "1 operation: 1 QUEUED");
});

test("the table fits into the terminal and tells how many rows do not", () => {
  const { tell, lines } = liveTable();
  tell(
    Array.from({ length: 9 }, (_, i) => queued(`main/${i}`)),
    { reset: true },
  );
  assert.equal(lines(100, 12).length, 12);
  assert.match(lines(100, 12).at(-1) ?? "", /^main\/8 {2}QUEUED /);
  const cut = lines(100, 8);
  assert.equal(cut.length, 8);
  assert.deepEqual(
    cut.slice(3).map((line) => line.split(" ")[0]),
    ["main/0", "main/1", "main/2", "main/3", "and"],
  );
  assert.equal(cut.at(-1), "and 5 more");
  assert.equal(lines(100, 4).at(-1), "and 9 more");
  assert.equal(lines(7, 8)[3], "main/0");
});

test("the table says that the connection is lost, and when it is tried again", () => {
  const { tell, take, lines } = liveTable();
  tell([queued("main/1")], { reset: true });
  take({ kind: "lost", error: unavailable("stopping\u001b[2J\nmore", 0), pauseMs: 1_500 }, NOW - 500);
  assert.equal(lines()[1], "main: connection lost, next try in 1.0s: UNAVAILABLE: stopping\\x1b[2J");
  assert.equal(lines().length, 4);
  take({ kind: "retrying" }, NOW);
  assert.equal(lines()[1], "main: asked again, no news yet");
  tell([]);
  assert.equal(lines()[1], "main: live");
});

test("rows stand in the order of the flags, where a row tells it, and else as they came", () => {
  const all = [executing("main/a", "bot-2"), queued("main/c"), executing("main/b", "bot-1")];
  const sorted = (flags: FilterFlags, changes = all) => {
    const { tell, names } = liveTable(flags);
    tell(changes, { reset: true });
    return names()
      .map((name) => name?.slice(-1))
      .join("");
  };
  assert.equal(sorted({}), "acb");
  assert.equal(sorted({ sort: ["name"] }), "abc");
  assert.equal(sorted({ sort: ["name(desc)"] }), "cba");
  assert.equal(sorted({ sort: ["worker"] }), "cba");
  assert.equal(sorted({ sort: [" worker ( desc ) "] }), "abc");
  assert.equal(sorted({ sort: ["stage", "name"] }), "cab");
  assert.equal(sorted({ sort: ["stage", "tool_name", "name(desc)"] }), "cab");
  assert.equal(sorted({ sort: ["tool_name"] }), "acb");
  assert.equal(sorted({ filter: "done & sort_order=name" }), "acb");
});

test("a row keeps its place when it changes and the order does not", () => {
  const { tell, names } = liveTable({ sort: ["tool_name"] });
  tell([queued("main/1"), queued("main/2")], { reset: true });
  tell([executing("main/1")]);
  assert.deepEqual(names(), ["main/1", "main/2"]);
});

test("what ended without a run stands where it came, and at the end when that was just now", () => {
  const cancelled = (name: string) => {
    const ended = operation({ name, error: { code: 1, message: "" } });
    delete ended.metadata;
    return matching(ended);
  };
  const { tell, names } = liveTable({ sort: ["completed_time(desc)"] });
  const done = (name: string) => matching(operation({ name, response: exited(0) }));
  tell([done("main/2"), cancelled("main/1")], { reset: true, live: false });
  tell([done("main/0")]);
  assert.deepEqual(names(), ["main/2", "main/1", "main/0"]);
});

test("the first rows are those of a full sort", () => {
  const row = (place: number, worker: string): PlacedRow => ({
    ...{ name: `main/${place}`, stage: "QUEUED", result: "", exitCode: undefined, worker, action: "", place },
    ...{ queuedAt: undefined, startedAt: undefined, completedAt: undefined, endedAt: undefined },
  });
  const workers = fc.array(fc.constantFrom("", "a", "b", "c"), { maxLength: 30 });
  fc.assert(
    fc.property(workers, fc.nat(12), fc.constantFrom("worker", "worker(desc)"), (names, count, sort) => {
      const rows = names.map((worker, place) => row(place, worker));
      const order = rowOrder({ sort: [sort] });
      assert.deepEqual(firstRows(rows, order, count), rows.toSorted(order).slice(0, count));
    }),
  );
});
