import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Row } from "../../dashboard/src/operations/row.ts";
import { createRows } from "../../dashboard/src/operations/row.ts";
import { concernsOf } from "../../dashboard/src/overview/attention.ts";
import {
  amountText,
  changeText,
  percentText,
  roundSpanText,
  seriesSummary,
  spanText,
} from "../../dashboard/src/overview/figure-text.ts";
import { digestOf, seriesOf, trendOf } from "../../dashboard/src/overview/figures.ts";
import { windowOf } from "../../dashboard/src/overview/windows.ts";
import { BotStatus } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import {
  FiguresSchema,
  GetFiguresResponseSchema,
  OperationSummarySchema,
  PlatformQueueSchema,
  WorkerSchema,
} from "../../gen/opgrid/v1/opgrid_pb.ts";

const MINUTE = 60_000;

function figures(stepMs: number, ...steps: MessageInitShape<typeof FiguresSchema>[]) {
  return create(GetFiguresResponseSchema, {
    step: durationFromMs(stepMs),
    steps: steps.map((step, index) => ({ ...step, startTime: timestampFromMs(index * stepMs) })),
  });
}

test("counts become counts a minute, for the time that the last step has lasted", () => {
  const response = figures(6 * MINUTE, { submittedCount: 12n }, { submittedCount: 12n });
  assert.deepEqual(seriesOf(response, 8 * MINUTE).submitted, [2, 6]);
  assert.deepEqual(seriesOf(response, 6 * MINUTE + 10_000).submitted, [2, null]);
  assert.deepEqual(seriesOf(response, 0).submitted, [null, null]);
  assert.deepEqual(seriesOf(figures(MINUTE), 0).times, []);
});

test("where nothing was noted there is a gap, and no zero", () => {
  const run = { count: 2n, p50: durationFromMs(20), p95: durationFromMs(300) };
  const done = { submittedCount: 4n, cachedCount: 1n, succeededCount: 3n, failedCount: 1n, cancelledCount: 5n };
  const series = seriesOf(figures(MINUTE, {}, { ...done, queuedCount: 0n, executionDuration: run }), 2 * MINUTE);
  assert.deepEqual(series.queued, [null, 0]);
  assert.deepEqual(series.executing, [null, null]);
  assert.deepEqual(series.cacheHits, [null, 0.25]);
  assert.deepEqual(series.failures, [null, 0.25]);
  assert.deepEqual(series.ended, [0, 9]);
  assert.deepEqual(
    [series.runP50, series.runP95, series.waitP50],
    [
      [null, 20],
      [null, 300],
      [null, null],
    ],
  );
});

test("a trend compares the last quarter with what came before", () => {
  assert.deepEqual(trendOf([1, null, 3, 4]), { before: 2, lately: 4 });
  assert.equal(trendOf([null, null, null, 4]), undefined);
  assert.equal(trendOf([]), undefined);
  assert.equal(changeText({ before: 2, lately: 4 }), "▲ 100 %");
  assert.equal(changeText({ before: 4, lately: 3 }), "▼ 25 %");
  assert.equal(changeText({ before: 4, lately: 4.01 }), "");
  assert.equal(changeText({ before: 0, lately: 4 }), "▲ from 0");
  assert.equal(changeText({ before: 0, lately: 0 }), "");
  assert.equal(changeText({ before: 1, lately: 5000 }), "▲ over 10 times");
});

test("figures are written with as many digits as people want", () => {
  assert.deepEqual([0, 0.256, 3.44, 41.98, 12_045].map(amountText), ["0", "0.26", "3.4", "42", "12,045"]);
  assert.deepEqual([0, 0.0042, 0.076, 0.424, 1].map(percentText), ["0 %", "0.42 %", "7.6 %", "42 %", "100 %"]);
  assert.deepEqual([0, 0.21, 120, 4200].map(spanText), ["0 ms", "0.21 ms", "120 ms", "4.2 s"]);
  assert.deepEqual([10, 1000, 600_000, 3_600_000].map(roundSpanText), ["10 ms", "1 s", "10 min", "1 h"]);
});

test("a chart is summed up in words", () => {
  const at = new Date(2026, 0, 31, 14, 3).getTime();
  assert.deepEqual(digestOf([null, 2, 4, null], [0, 1, 2, 3]), { average: 3, most: 4, mostAt: 2 });
  assert.equal(
    seriesSummary("Failed", [1, 3, null], [0, at, at], amountText),
    "Failed: 2 on average, at most 3 (14:03)",
  );
  assert.equal(seriesSummary("Failed", [null], [0], amountText), "Failed: nothing noted");
});

test("an address with a window that is none shows the last hour", () => {
  assert.equal(windowOf("6h").seconds, 21_600);
  assert.equal(windowOf("<script>").id, "1h");
  assert.equal(windowOf(undefined).id, "1h");
});

const toRow = createRows();
const failure = (worker: string, errorCode: number): Row =>
  toRow(create(OperationSummarySchema, { name: "main/0198c0de", worker, errorCode }));
const window = windowOf("1h");
const calm = { instance: "main", platforms: [], ageMs: 0, window, total: undefined, workers: undefined, failures: [] };
const totalOf = (succeeded: bigint, failed: bigint) =>
  create(FiguresSchema, { succeededCount: succeeded, failedCount: failed });

test("a farm that does well needs no attention", () => {
  const platform = create(PlatformQueueSchema, { served: true, queuedCount: 3n, oldestWait: durationFromMs(9000) });
  const worker = create(WorkerSchema, { botId: "a", status: BotStatus.OK });
  const failures = [failure("a", 0), failure("a", 4), failure("a", 4), failure("b", 4)];
  const total = totalOf(4n, 3n);
  assert.deepEqual(concernsOf({ ...calm, platforms: [platform], workers: [worker], total, failures }), []);
  assert.deepEqual(concernsOf({ ...calm, total: totalOf(0n, 2n) }), []);
});

test("what is wrong with a farm is told with where to look", () => {
  const arm = [{ name: "ISA", value: "arm64" }];
  const stuck = create(PlatformQueueSchema, { instanceName: "main", properties: arm, queuedCount: 2n });
  const slow = create(PlatformQueueSchema, {
    ...{ instanceName: "main", served: true, queuedCount: 7n, oldestWait: durationFromMs(55_000) },
  });
  const workers = [create(WorkerSchema, { botId: "a", instanceName: "main", status: BotStatus.UNHEALTHY })];
  const failures = [failure("b", 13), failure("b", 13), failure("b", 9)];
  const concerns = concernsOf({ ...calm, instance: "-", platforms: [slow, stuck], ageMs: 6000, workers, failures });
  assert.deepEqual(
    concerns.map(({ grave, title, detail, path }) => [grave, title, detail, decodeURIComponent(path)]),
    [
      [
        true,
        "2 jobs that nobody can take",
        "No worker offers ISA=arm64, in main",
        "/?instance=main&filter=platform+=+ISA:arm64+AND+stage+=+QUEUED",
      ],
      [false, "A job has waited for 1m 01s", "7 jobs for any worker, in main", "/?instance=main&filter=stage+=+QUEUED"],
      [true, "b fails", "3 jobs of late, other than by an exit code", "/?filter=error.code:*+AND+worker+=+b"],
      [false, "1 worker takes no work", "a (unhealthy)", "/workers?q=unavailable"],
    ],
  );
});

test("a farm without workers, or whose jobs fail, needs attention", () => {
  const [none] = concernsOf({ ...calm, workers: [] });
  assert.deepEqual([none?.grave, none?.title, none?.path], [true, "No worker serves this", "/workers?instance=main"]);
  const [failed, ...more] = concernsOf({ ...calm, total: totalOf(3n, 3n) });
  assert.deepEqual([failed?.title, failed?.detail], ["50 % of the jobs failed", "3 jobs in the last hour"]);
  assert.match(decodeURIComponent(failed?.path ?? ""), /completed_time\+>\+now-1h/);
  assert.deepEqual(more, []);
});
