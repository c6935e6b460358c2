import assert from "node:assert/strict";
import { test } from "node:test";
import { createTopics } from "../../src/scheduler/topics.ts";
import { fakeClock } from "../helpers/fake-clock.ts";

const forever = () => new AbortController().signal;

test("a change that came before the wait is not lost", async () => {
  const topics = createTopics(fakeClock());
  const changes = topics.subscribe("job");
  topics.publish("job");
  assert.equal(await changes.next(forever(), 1000), "changed");
});

test("many changes wake a listener once", async () => {
  const clock = fakeClock();
  const topics = createTopics(clock);
  const changes = topics.subscribe("job");
  for (let i = 0; i < 5; i++) topics.publish("job");
  assert.equal(await changes.next(forever(), 1000), "changed");
  const next = changes.next(forever(), 1000);
  await clock.advance(1000);
  assert.equal(await next, "tick");
});

test("a silent topic ticks, and the timer goes with the wait", async () => {
  const clock = fakeClock();
  const topics = createTopics(clock);
  const changes = topics.subscribe("job");
  const waiting = changes.next(forever(), 1000);
  assert.equal(clock.pending(), 1);
  await clock.advance(999);
  topics.publish("job");
  assert.equal(await waiting, "changed");
  assert.equal(clock.pending(), 0);
});

test("an abort ends the wait, also one that came before", async () => {
  const topics = createTopics(fakeClock());
  const changes = topics.subscribe("job");
  const abort = new AbortController();
  const waiting = changes.next(abort.signal, 1000);
  abort.abort();
  assert.equal(await waiting, "aborted");
  assert.equal(await changes.next(abort.signal, 1000), "aborted");
});

test("a topic without listeners is forgotten", () => {
  const topics = createTopics(fakeClock());
  const first = topics.subscribe("job");
  const second = topics.subscribe("job");
  first.close();
  assert.equal(topics.size, 1);
  second.close();
  second.close();
  assert.equal(topics.size, 0);
});
