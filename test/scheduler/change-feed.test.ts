import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { systemClock } from "../../src/base/clock.ts";
import { createChangeFeed } from "../../src/scheduler/change-feed.ts";
import type { ChangePage, Store } from "../../src/store/store.ts";
import { fakeClock } from "../helpers/fake-clock.ts";
import { openFarm, outcome } from "../helpers/farm.ts";
import { until } from "../helpers/until.ts";

const LONG = 60_000;
const never = new AbortController().signal;

/** A feed over a real store whose reads are counted; `beforeRead` runs before each. */
async function openFeed(t: TestContext, { clock = systemClock, beforeRead = async () => {} } = {}) {
  const farm = await openFarm(t, "sqlite");
  let reads = 0;
  const changesAfter: Store["changesAfter"] = async (position, limit) => {
    reads++;
    const page = await farm.store.changesAfter(position, limit);
    await beforeRead();
    return page;
  };
  const store = { ...farm.store, changesAfter };
  const feed = createChangeFeed({ store, clock });
  t.after(() => feed[Symbol.dispose]());
  return { ...farm, feed, reads: () => reads };
}

function idsOf(page: ChangePage | string): string[] {
  assert.ok(typeof page !== "string", String(page));
  return page.changes.map((change) => (change.kind === "deleted" ? change.key.id : change.operation.id));
}

test("all who wait get the same page, for one read", async (t) => {
  const { feed, submit, reads } = await openFeed(t);
  const position = await feed.position();
  const waiting = Array.from({ length: 100 }, () => feed.next(position, never, LONG));
  await turn();
  assert.equal(reads(), 1);
  const { id } = await submit();
  const pages = await Promise.all(waiting);
  assert.deepEqual(idsOf(pages[0] ?? ""), [id]);
  assert.equal(new Set(pages).size, 1);
  assert.equal(reads(), 2);
});

test("who comes later finds the page that the others had", async (t) => {
  const { feed, submit, reads } = await openFeed(t);
  const position = await feed.position();
  await submit();
  const first = await feed.next(position, never, LONG);
  assert.equal(await feed.next(position, never, LONG), first);
  assert.equal(reads(), 1);
});

test("a page with much in it is not kept for those who come later", async (t) => {
  const { feed, submit } = await openFeed(t);
  const position = await feed.position();
  await submit({ outcome: outcome({ response: "x".repeat(2 * 1024 * 1024) }) });
  const first = await feed.next(position, never, LONG);
  assert.notEqual(await feed.next(position, never, LONG), first);
});

test("a change while the feed reads is not slept through", async (t) => {
  let change: (() => Promise<unknown>) | undefined;
  const farm = await openFeed(t, {
    beforeRead: async () => {
      const now = change;
      change = undefined;
      await now?.();
    },
  });
  const position = await farm.feed.position();
  change = () => farm.submit();
  assert.equal(idsOf(await farm.feed.next(position, never, LONG)).length, 1);
});

test("nothing new is a tick after a while", async (t) => {
  const clock = fakeClock();
  const { feed } = await openFeed(t, { clock });
  const position = await feed.position();
  const waiting = feed.next(position, never, 1000);
  await turn();
  clock.advance(1000);
  assert.equal(await waiting, "tick");
});

test("who hangs up waits no longer", async (t) => {
  const { feed } = await openFeed(t);
  const hangUp = new AbortController();
  const waiting = feed.next(await feed.position(), hangUp.signal, LONG);
  await turn();
  hangUp.abort();
  assert.equal(await waiting, "aborted");
  assert.equal(await feed.next(await feed.position(), hangUp.signal, LONG), "aborted");
});

test("an unknown position is lost", async (t) => {
  const { feed } = await openFeed(t);
  assert.equal(await feed.next("elsewhere.1.1", never, LONG), "lost");
});

test("a read that fails fails those who asked, and the next ones ask again", async (t) => {
  let broken = true;
  const { feed, submit } = await openFeed(t, {
    beforeRead: async () => {
      if (broken) throw new Error("the store is down");
    },
  });
  const position = await feed.position();
  await submit();
  await assert.rejects(feed.next(position, never, LONG), /the store is down/);
  broken = false;
  assert.equal(idsOf(await feed.next(position, never, LONG)).length, 1);
});

test("readers under a stream of changes get all of them in few pages", async (t) => {
  const { feed, submit } = await openFeed(t);
  const seen = new Set<string>();
  let pages = 0;
  const stop = new AbortController();
  const read = async () => {
    let position = await feed.position();
    for (;;) {
      const page = await feed.next(position, stop.signal, LONG);
      if (typeof page === "string") return;
      position = page.position;
      pages++;
      for (const id of idsOf(page)) seen.add(id);
    }
  };
  const reader = read();
  await turn();
  const ids: string[] = [];
  for (let i = 0; i < 200; i++) ids.push((await submit()).id);
  await until(() => ids.every((id) => seen.has(id)));
  stop.abort();
  await reader;
  assert.ok(pages < 200, `${pages} pages`);
});
