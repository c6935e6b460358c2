import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { createFeed, type Feed } from "../../dashboard/src/operations/feed.ts";
import { type ScriptedCall, scriptedPage, scriptedWatch, settled } from "./watch-script.ts";

const FILTER = "sort_order = queued_time";

function start(t: TestContext, { visible = true, limit = 100 } = {}) {
  const { watch, calls } = scriptedWatch();
  const page = scriptedPage(visible);
  const feed = createFeed({ watch, page, instance: "main", filter: FILTER, limit });
  t.after(() => feed.close());
  const last = () => calls.at(-1) as ScriptedCall;
  return { page, feed, calls, last };
}

const summary = (id: string, queuedAt = 0) => ({
  change: { case: "summary" as const, value: { name: `main/${id}`, queuedTime: timestampFromMs(queuedAt) } },
});
const left = (id: string) => ({ change: { case: "left" as const, value: `main/${id}` } });
const deleted = (id: string) => ({ change: { case: "deleted" as const, value: `main/${id}` } });

const ids = (feed: Feed) => feed.state().rows.map(({ name }) => name.slice("main/".length));

test("a feed shows rows as they come and is live when all are there", async (t) => {
  const { feed, last } = start(t);
  assert.equal(feed.state().phase, "loading");
  await last().send({ reset: true, changes: [summary("b", 2)], resumeToken: "1" });
  assert.equal(feed.state().phase, "loading");
  await last().send({ changes: [summary("a", 1), summary("c", 3)], live: true, truncated: true, resumeToken: "2" });
  assert.deepEqual(
    [ids(feed), feed.state().phase, feed.state().truncated, feed.state().changes],
    [["a", "b", "c"], "live", true, 3],
  );
});

test("a feed tells of many changes at once, ten times a second at most", async (t) => {
  const { page, feed, last } = start(t);
  await last().send({ reset: true, live: true, resumeToken: "1" });
  let told = 0;
  const unsubscribe = feed.subscribe(() => void told++);
  for (let i = 0; i < 50; i++) await last().send({ changes: [summary(`${i}`)], live: true, resumeToken: "2" });
  assert.equal(told, 0);
  await page.clock.advance(100);
  assert.equal(told, 1);
  unsubscribe();
  await last().send({ changes: [left("1")], live: true, resumeToken: "3" });
  await page.clock.advance(100);
  assert.equal(told, 1);
});

test("a feed that is cut off waits longer each time, resumes with its token and keeps its rows meanwhile", async (t) => {
  const { page, feed, calls, last } = start(t);
  await last().send({ reset: true, changes: [summary("a")], live: true, resumeToken: "1" });
  await last().end(Code.Unavailable);
  assert.deepEqual([feed.state().phase, feed.state().retryAt], ["disconnected", page.now() + 500]);
  await page.clock.advance(499);
  assert.equal(calls.length, 1);
  await page.clock.advance(1);
  assert.deepEqual([calls.length, last().resumeToken, feed.state().retryAt], [2, "1", undefined]);
  await last().end();
  await page.clock.advance(999);
  assert.deepEqual([calls.length, ids(feed)], [2, ["a"]]);
  await page.clock.advance(1);
  await last().send({ changes: [deleted("a"), summary("b")], live: true, resumeToken: "2" });
  assert.deepEqual([feed.state().phase, feed.state().error, ids(feed)], ["live", undefined, ["b"]]);
  await last().end(Code.Unavailable);
  await page.clock.advance(500);
  assert.deepEqual([calls.length, last().resumeToken], [4, "2"]);
});

test("a feed waits at most a quarter of a minute, and not at all when it is told to try", async (t) => {
  const { page, feed, calls, last } = start(t);
  for (let i = 0; i < 12; i++) {
    await last().end(Code.Unavailable);
    await page.clock.advance(15_000);
    assert.equal(calls.length, i + 2);
  }
  await last().end(Code.Unavailable);
  feed.retry();
  assert.equal(calls.length, 14);
  await page.clock.advance(60_000);
  assert.equal(calls.length, 14, "the attempt that was waited for is not made as well");
});

test("a feed begins anew when the server does, also in the middle", async (t) => {
  const { page, feed, last } = start(t);
  await last().send({ reset: true, changes: [summary("a"), summary("b")], live: true, resumeToken: "1" });
  await last().send({ reset: true, changes: [summary("c")], resumeToken: "2" });
  assert.deepEqual([ids(feed), feed.state().phase], [["c"], "loading"]);
  await last().send({ live: true, resumeToken: "3" });
  await page.clock.advance(100);
  assert.deepEqual([ids(feed), feed.state().phase, feed.get("main/a")], [["c"], "live", undefined]);
});

test("a feed whose token is refused begins without it, once", async (t) => {
  const { page, feed, calls, last } = start(t);
  await last().send({ reset: true, changes: [summary("a")], live: true, resumeToken: "1" });
  await last().end(Code.Unavailable);
  await page.clock.advance(500);
  await last().end(Code.InvalidArgument);
  assert.deepEqual([calls.length, last().resumeToken], [3, ""]);
  await last().end(Code.InvalidArgument);
  await page.clock.advance(60_000);
  assert.deepEqual([calls.length, feed.state().phase], [3, "refused"]);
  feed.pause();
  assert.equal(feed.state().phase, "refused", "there is nothing to pause");
  feed.retry();
  assert.deepEqual([calls.length, feed.state().phase], [4, "loading"]);
});

test("a feed that is paused has no connection, and resumes where it was", async (t) => {
  const { page, feed, calls, last } = start(t);
  await last().send({ reset: true, changes: [summary("a")], live: true, resumeToken: "1" });
  feed.pause();
  assert.deepEqual([feed.state().phase, last().isAborted()], ["paused", true]);
  await page.show(false);
  await page.show(true);
  await page.clock.advance(600_000);
  assert.deepEqual([calls.length, feed.state().phase], [1, "paused"]);
  feed.resume();
  assert.deepEqual([calls.length, last().resumeToken], [2, "1"]);
  await last().send({ changes: [summary("b", 1)], live: true, resumeToken: "2" });
  await page.clock.advance(100);
  assert.deepEqual([feed.state().phase, ids(feed)], ["live", ["a", "b"]]);
});

test("a feed gives its connection back when its page is hidden for a while, and has it again when it is shown", async (t) => {
  const { page, feed, calls, last } = start(t);
  await last().send({ reset: true, changes: [summary("a")], live: true, resumeToken: "1" });
  await page.show(false);
  await page.clock.advance(4999);
  await page.show(true);
  await page.clock.advance(5000);
  assert.deepEqual([calls.length, last().isAborted()], [1, false]);
  await page.show(false);
  await page.clock.advance(5000);
  assert.equal(last().isAborted(), true);
  await page.show(true);
  assert.deepEqual([calls.length, last().resumeToken, ids(feed)], [2, "1", ["a"]]);
});

test("a feed of a page that was never shown gives its connection back too", async (t) => {
  const { page, calls, last } = start(t, { visible: false });
  await page.clock.advance(5000);
  assert.deepEqual([calls.length, last().isAborted()], [1, true]);
});

test("a feed that waits for its next attempt makes it when its page is shown", async (t) => {
  const { page, calls, last } = start(t);
  for (let i = 0; i < 6; i++) {
    await last().end(Code.Unavailable);
    await page.clock.advance(15_000);
  }
  await last().end(Code.Unavailable);
  await page.show(true);
  assert.equal(calls.length, 8);
});

test("a feed takes a connection that says nothing for dead", async (t) => {
  const { page, calls, last } = start(t);
  await last().send({ reset: true, live: true, resumeToken: "1" });
  await page.clock.advance(60_000);
  await last().send({ live: true, resumeToken: "2" });
  await page.clock.advance(89_999);
  assert.equal(calls.length, 1);
  await page.clock.advance(1);
  assert.deepEqual([calls[0]?.isAborted(), calls.length, last().resumeToken], [true, 2, "2"]);
});

test("a feed that is closed leaves nothing behind", async (t) => {
  const { page, feed, calls, last } = start(t);
  await last().send({ reset: true, changes: [summary("a")], live: true, resumeToken: "1" });
  await last().send({ changes: [summary("b")], live: true, resumeToken: "2" });
  await page.show(false);
  feed.close();
  await settled();
  assert.deepEqual([page.clock.pending(), page.listeners(), last().isAborted(), calls.length], [0, 0, true, 1]);
});

test("two feeds of one page do not disturb each other", async (t) => {
  const { watch, calls } = scriptedWatch();
  const page = scriptedPage();
  const first = createFeed({ watch, page, instance: "main", filter: FILTER });
  first.close();
  const second = createFeed({ watch, page, instance: "main", filter: FILTER });
  t.after(() => second.close());
  await settled();
  await calls[1]?.send({ reset: true, changes: [summary("a")], live: true, resumeToken: "1" });
  assert.deepEqual([calls[0]?.isAborted(), first.state().phase, ids(second)], [true, "loading", ["a"]]);
});
