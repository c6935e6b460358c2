import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  isStuck,
  oldestWaitMs,
  platformFilter,
  sortedPlatforms,
  whyUnserved,
} from "../../dashboard/src/workers/platform-list.ts";
import { matching, sorted, stateOf, totalsOf } from "../../dashboard/src/workers/worker-list.ts";
import { BotStatus } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import { PlatformQueueSchema, WorkerSchema } from "../../gen/opgrid/v1/opgrid_pb.ts";

type WorkerInit = MessageInitShape<typeof WorkerSchema>;

const linux = { name: "OSFamily", value: "linux" };
const arm = { name: "ISA", value: "arm64" };

function worker(botId: string, more: WorkerInit = {}) {
  return create(WorkerSchema, {
    ...{ botId, sessionName: `main/${botId}`, instanceName: "main", status: BotStatus.OK, capacity: 2 },
    ...{ properties: [linux], updateTime: timestampFromMs(1_000_000) },
    ...more,
  });
}

function platform(more: MessageInitShape<typeof PlatformQueueSchema>) {
  return create(PlatformQueueSchema, { instanceName: "main", properties: [linux], ...more });
}

const lease = { operationNames: ["main/0198c0de-1"] };
const ids = (workers: readonly { botId: string }[]) => workers.map(({ botId }) => botId);

test("a worker's state follows its status, and then how full it is", () => {
  assert.equal(stateOf(worker("a")), "idle");
  assert.equal(stateOf(worker("a", { leases: [lease] })), "busy");
  assert.equal(stateOf(worker("a", { leases: [lease], otherLeaseCount: 1 })), "full");
  assert.equal(stateOf(worker("a", { leases: [lease], status: BotStatus.BOT_TERMINATING })), "leaving");
  assert.equal(stateOf(worker("a", { status: BotStatus.BOT_STATUS_UNSPECIFIED })), "unknown");
  assert.equal(stateOf(worker("a", { status: 99 as BotStatus })), "unknown");
});

test("workers are found by all words of a search, in whatever is shown of them", () => {
  const workers = [
    worker("eu-1", { leases: [lease] }),
    worker("eu-2", { status: BotStatus.UNHEALTHY }),
    worker("us-1", { instanceName: "*", properties: [linux, arm] }),
  ];
  const found = (words: string) => ids(matching(workers, words));
  assert.deepEqual(found("  "), ["eu-1", "eu-2", "us-1"]);
  assert.deepEqual(found("EU unavailable"), ["eu-2"]);
  assert.deepEqual(found("isa=arm64"), ["us-1"]);
  assert.deepEqual(found("all instances"), ["us-1"]);
  assert.deepEqual(found("0198c0de-1"), ["eu-1"]);
  assert.deepEqual(found("eu arm64"), []);
});

test("workers are sorted with numbers in their names as numbers", () => {
  const full = { leases: [lease, lease] };
  const workers = [
    worker("w-10", full),
    worker("w-9", { updateTime: timestampFromMs(500_000) }),
    worker("w-1", { status: BotStatus.UNHEALTHY }),
    worker("w-2", { leases: [lease] }),
  ];
  assert.deepEqual(ids(sorted(workers, "name")), ["w-1", "w-2", "w-9", "w-10"]);
  assert.deepEqual(ids(sorted(workers, "busy")), ["w-10", "w-2", "w-1", "w-9"]);
  assert.deepEqual(ids(sorted(workers, "status")), ["w-1", "w-2", "w-9", "w-10"]);
  assert.deepEqual(ids(sorted(workers, "seen")), ["w-9", "w-1", "w-2", "w-10"]);
  assert.deepEqual(totalsOf(workers), { idle: 1, busy: 2, unavailable: 1, jobs: 3, capacity: 6 });
});

test("platforms that nobody serves come first, but only while jobs wait for them", () => {
  const served = platform({ served: true, queuedCount: 50n });
  const stuck = platform({ queuedCount: 1n });
  const gone = platform({ queuedCount: 0n, executingCount: 1n });
  assert.deepEqual(sortedPlatforms([served, gone, stuck]), [stuck, served, gone]);
  assert.deepEqual([served, stuck, gone].map(isStuck), [false, true, false]);
});

test("it is said what is missing where nobody serves a platform", () => {
  const both = platform({ properties: [arm, linux] });
  const why = (workers: Parameters<typeof whyUnserved>[1], of = both) => whyUnserved(of, workers);
  assert.equal(why(undefined), "No worker fits");
  assert.equal(why([worker("a", { instanceName: "other" })]), "No worker serves main");
  assert.equal(why([worker("a")]), "No worker offers ISA=arm64");
  assert.equal(why([worker("a", { instanceName: "*", properties: [] })]), "No worker offers ISA=arm64, OSFamily=linux");
  assert.equal(
    why([worker("a"), worker("b", { properties: [{ name: "ISA", value: "*" }] })]),
    "No worker offers all of ISA=arm64, OSFamily=linux; each alone is offered",
  );
  const unfit = platform({ unavailableWorkerCount: 2 });
  assert.equal(why([], unfit), "All 2 workers that fit are unhealthy or leaving");
  const image = platform({ properties: [{ name: "image", value: "x".repeat(100) }] });
  assert.equal(why([worker("a")], image), `No worker offers image=${"x".repeat(48)}…`);
});

test("the longest wait grows while nothing is heard", () => {
  assert.equal(oldestWaitMs(platform({}), 500), undefined);
  const waiting = platform({ oldestWait: { seconds: 2n, nanos: 500_000_000 } });
  assert.equal(oldestWaitMs(waiting, 1000), 3500);
  assert.equal(oldestWaitMs(waiting, -1000), 2500);
});

test("a platform's filter asks for all that it requires", () => {
  const image = { name: "container-image", value: 'docker://a/b@sha256:1 "*"' };
  assert.equal(
    platformFilter([linux, image], "QUEUED"),
    'platform = OSFamily:linux AND platform = "container-image:docker://a/b@sha256:1 \\"\\*\\"" AND stage = QUEUED',
  );
  assert.equal(platformFilter([], "EXECUTING"), "stage = EXECUTING");
});
