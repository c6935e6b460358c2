import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { placeOnBar, timelineOf } from "../../dashboard/src/operation/timeline.ts";
import { ExecutedActionMetadataSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";

const T0 = Date.UTC(2026, 0, 1);
const at = (ms: number) => timestampFromMs(T0 + ms);

const complete = create(ExecutedActionMetadataSchema, {
  queuedTimestamp: at(0),
  workerStartTimestamp: at(100),
  inputFetchStartTimestamp: at(110),
  inputFetchCompletedTimestamp: at(200),
  executionStartTimestamp: at(200),
  executionCompletedTimestamp: at(900),
  outputUploadStartTimestamp: at(900),
  outputUploadCompletedTimestamp: at(990),
  workerCompletedTimestamp: at(1000),
});

test("the phases of an action that ended are on one bar", () => {
  const timeline = timelineOf(complete, undefined);
  assert.deepEqual(
    timeline.phases.map(({ name, from, to }) => [name, from - T0, to - T0]),
    [
      ["queue", 0, 100],
      ["worker", 100, 1000],
      ["fetch", 110, 200],
      ["execution", 200, 900],
      ["upload", 900, 990],
    ],
  );
  assert.equal(timeline.odd, false);
  const execution = timeline.phases.find(({ name }) => name === "execution");
  assert.deepEqual(execution && placeOnBar(timeline, execution), { left: 20, width: 70 });
});

test("what has not ended goes on until now", () => {
  const queued = timelineOf(create(ExecutedActionMetadataSchema, { queuedTimestamp: at(0) }), T0 + 500);
  assert.deepEqual(
    queued.phases.map(({ name, to, running }) => [name, to - T0, running]),
    [["queue", 500, true]],
  );
});

test("a phase of which only the beginning is known is left out once the action ended", () => {
  const times = create(ExecutedActionMetadataSchema, { queuedTimestamp: at(0), executionStartTimestamp: at(5) });
  assert.deepEqual(timelineOf(times, undefined).phases, []);
});

test("times of different clocks are called odd, and no phase is shorter than nothing", () => {
  const times = create(ExecutedActionMetadataSchema, { ...complete, workerStartTimestamp: at(-5000) });
  const timeline = timelineOf(times, undefined);
  assert.equal(timeline.odd, true);
  assert.ok(timeline.phases.every(({ from, to }) => to >= from));
  for (const phase of timeline.phases) {
    const { left, width } = placeOnBar(timeline, phase);
    assert.ok(left >= 0 && width > 0 && left + width <= 100.001);
  }
});

test("zero and far-away times are no times", () => {
  const times = create(ExecutedActionMetadataSchema, {
    queuedTimestamp: { seconds: 0n },
    workerStartTimestamp: { seconds: 9_999_999_999_999n },
    executionStartTimestamp: at(0),
    executionCompletedTimestamp: at(10),
  });
  const timeline = timelineOf(times, undefined);
  assert.deepEqual([timeline.from, timeline.to, timeline.odd], [T0, T0 + 10, true]);
});

test("nothing known is nothing to show", () => {
  assert.deepEqual(timelineOf(undefined, T0).phases, []);
  assert.deepEqual(timelineOf(undefined, T0).moments, []);
});
