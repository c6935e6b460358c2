import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  firstTrackBelow,
  hit,
  layoutOf,
  neighbour,
  TRACK_HEIGHT,
} from "../../dashboard/src/invocation/chart-layout.ts";
import { type Bar, executionMs, lanesOf } from "../../dashboard/src/invocation/lanes.ts";
import {
  barAt,
  moved,
  parseSpan,
  SHORTEST,
  spanText,
  ticksOf,
  tickText,
  within,
  zoomed,
} from "../../dashboard/src/invocation/span.ts";
import { cached, ran, rowOf, runs, waits } from "./build-rows.ts";

const time = fc.nat(1000);
const action = fc.record({ worker: fc.constantFrom("w1", "w2"), start: time, length: fc.option(fc.nat(300)) });
const actions = fc
  .array(action, { maxLength: 60 })
  .map((all) =>
    all.map(({ worker, start, length }) =>
      length === null ? runs(worker, start) : ran(worker, start, start + length),
    ),
  );

test("bars of one track never overlap, and none is lost", () => {
  fc.assert(
    fc.property(actions, (rows) => {
      const lanes = lanesOf(rows);
      const names = lanes.flatMap(({ tracks }) => tracks.flat().map(({ row }) => row.name));
      assert.deepEqual(names.toSorted(), rows.map(({ name }) => name).toSorted());
      for (const track of lanes.flatMap(({ tracks }) => tracks)) {
        for (const [index, bar] of track.entries()) {
          assert.ok(bar.start <= bar.end);
          const next = track[index + 1];
          if (next) assert.ok(bar.end <= next.start, `${bar.end} is after ${next.start}`);
        }
      }
    }),
  );
});

test("a worker has no more tracks than it ever ran at a time", () => {
  fc.assert(
    fc.property(actions, (rows) => {
      for (const { tracks } of lanesOf(rows)) {
        const bars = tracks.flat();
        const atATime = (at: number) =>
          bars.filter(({ start, end }) => start <= at && at < Math.max(end, start + 1)).length;
        assert.ok(tracks.length <= Math.max(...bars.map(({ start }) => atATime(start))));
      }
    }),
  );
});

test("workers come in order of their numbers, without what none of them ran", () => {
  const rows = [ran("w10", 0, 5), ran("w9", 0, 5), cached(0), waits(0), rowOf({ worker: "" })];
  assert.deepEqual(
    lanesOf(rows).map(({ worker, actions }) => [worker, actions]),
    [
      ["w9", 1],
      ["w10", 1],
    ],
  );
});

test("two operations on one job are one run of a worker", () => {
  const rows = [ran("w", 5, 20, { action: "same/1" }), ran("w", 5, 9, { action: "same/1", cancelled: true })];
  const [lane] = lanesOf([...rows, ran("w", 5, 9)]);
  assert.equal(lane?.actions, 2);
  assert.equal(executionMs(lane ? [lane] : [], 100), 15 + 4);
});

test("what runs counts up to now", () => {
  const lanes = lanesOf([ran("a", 0, 30), runs("a", 50), runs("b", 90)]);
  assert.equal(executionMs(lanes, 100), 30 + 50 + 10);
});

test("a moment finds its bar, or the nearest one within reach", () => {
  fc.assert(
    fc.property(actions, time, fc.nat(20), (rows, at, slack) => {
      for (const track of lanesOf(rows).flatMap(({ tracks }) => tracks)) {
        const away = ({ start, end }: Bar) => Math.max(0, start - at, at - end);
        const nearest = Math.min(...track.map(away));
        const found = barAt(track, at, slack);
        assert.equal(found === undefined ? undefined : away(found), nearest <= slack ? nearest : undefined);
      }
    }),
  );
});

test("a span stays inside of what there is while it is moved and zoomed", () => {
  const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  const length = fc.integer({ min: 1, max: 1_000_000 });
  fc.assert(
    fc.property(number, number, length, fc.double({ min: 0.01, max: 100, noNaN: true }), (from, to, all, factor) => {
      const end = Math.max(all, SHORTEST);
      for (const span of [
        within({ from, to }, all),
        moved(within({ from, to }, all), from, all),
        zoomed(within({ from, to }, all), factor, Math.abs(from) % end, all),
      ]) {
        assert.ok(span.from >= 0 && span.to <= end + 1e-6, JSON.stringify(span));
        assert.ok(span.to - span.from >= SHORTEST - 1e-6);
      }
    }),
  );
});

test("zooming keeps the moment under the pointer where it is", () => {
  const span = zoomed({ from: 1000, to: 2000 }, 0.5, 1250, 10_000);
  assert.deepEqual(span, { from: 1125, to: 1625 });
  assert.equal((1250 - span.from) / (span.to - span.from), 0.25);
});

test("a span survives the address, and nonsense is none", () => {
  assert.deepEqual(parseSpan(spanText({ from: 1200.4, to: 5000 })), { from: 1200, to: 5000 });
  for (const text of [undefined, "", "5-5", "9-1", "-1-5", "1e3-2e3", "a-b"]) assert.equal(parseSpan(text), undefined);
});

test("the axis has round marks, no more than fit", () => {
  assert.deepEqual(ticksOf({ from: 0, to: 60_000 }, 6).ticks, [0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000]);
  fc.assert(
    fc.property(
      fc.nat(1e6),
      fc.integer({ min: SHORTEST, max: 1e9 }),
      fc.integer({ min: 2, max: 30 }),
      (from, size, most) => {
        const { ticks, step } = ticksOf({ from, to: from + size }, most);
        assert.ok(ticks.length <= most + 1);
        assert.ok(ticks.every((tick) => tick >= from && tick <= from + size && tick % step === 0));
        assert.equal(
          new Set(ticks.map((tick) => tickText(tick, step))).size,
          ticks.length,
          "each mark has a text of its own",
        );
      },
    ),
  );
  assert.deepEqual(
    [tickText(2500, 500), tickText(4000, 1000), tickText(90_000, 30_000), tickText(7_500_000, 300_000)],
    ["2.5 s", "4 s", "1m 30s", "2h 05m"],
  );
});

test("the chart tells what is at a place and what is next to it", () => {
  const rows = [ran("a", 0, 50), ran("a", 20, 40), ran("a", 60, 80), ran("b", 10, 30)];
  const [first, above, later, below] = rows.map(({ name }) => name);
  const layout = layoutOf(lanesOf(rows));
  assert.equal(layout.tracks.length, 3);
  assert.equal(hit(layout, 1, 25, 0)?.row.name, first);
  assert.equal(hit(layout, TRACK_HEIGHT + 1, 25, 0)?.row.name, above);
  assert.equal(hit(layout, 2 * TRACK_HEIGHT + 1, 25, 0), undefined, "between two lanes");
  assert.equal(hit(layout, layout.height + 100, 25, 0), undefined);
  const name = (from: string | undefined, direction: Parameters<typeof neighbour>[2]) =>
    neighbour(layout, from, direction)?.bar.row.name;
  assert.equal(name(undefined, "below"), first);
  assert.equal(name(first, "after"), later);
  assert.equal(name(later, "after"), later);
  assert.equal(name(first, "below"), above);
  assert.equal(name(above, "below"), below);
  assert.equal(name(below, "above"), above);
  assert.equal(firstTrackBelow(layout.tracks, layout.height), 3);
  assert.equal(neighbour(layoutOf([]), undefined, "after"), undefined);
});
