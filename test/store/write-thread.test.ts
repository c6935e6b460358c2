import assert from "node:assert/strict";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { Code, StatusError } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import { openForWriting } from "../../src/store/sqlite/connection.ts";
import { migrate } from "../../src/store/sqlite/migrations.ts";
import { ThreadCalls } from "../../src/store/sqlite/thread-calls.ts";
import { plainSubmission } from "../../src/store/sqlite/write-requests.ts";
import { type FakeClock, fakeClock } from "../helpers/fake-clock.ts";
import { outcome, submission } from "../helpers/farm.ts";
import { temporaryDir } from "../helpers/open-store.ts";
import type { FragileThreadData, FragileWrites } from "./fragile-write-thread.ts";

const migrations = new URL("../../src/store/migrations/sqlite/", import.meta.url);

interface Setup {
  readonly writer: ThreadCalls<FragileWrites>;
  readonly clock: FakeClock;
  readonly logged: string[];
  count(table: string): number;
}

async function setUp(t: TestContext, { maxPages, script }: { maxPages?: number; script?: URL } = {}): Promise<Setup> {
  const path = join(await temporaryDir(t), "opgrid.db");
  const db = openForWriting(path);
  t.after(() => db.close());
  migrate(db, migrations, 0);
  const clock = fakeClock();
  const logged: string[] = [];
  const log = { ...silentLog, error: (_: object, message: string) => void logged.push(message) };
  const data: FragileThreadData = maxPages === undefined ? { path } : { path, maxPages };
  const thread = script ?? new URL("./fragile-write-thread.ts", import.meta.url);
  const writer = new ThreadCalls<FragileWrites>({ script: thread, data, clock, log });
  t.after(() => writer[Symbol.asyncDispose]());
  return { writer, clock, logged, count: (table) => countRows(db, table) };
}

function countRows(db: DatabaseSync, table: string): number {
  return Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n);
}

function hasCode(code: Code): (error: unknown) => boolean {
  return (error) => error instanceof StatusError && error.code === code;
}

test("calls of one turn are one transaction, in which one failure fails no other", async (t) => {
  const { writer, count } = await setUp(t);
  await writer.start();
  const [first, second] = [plainSubmission(submission()), plainSubmission(submission())];
  const twin = { ...second, job: { ...second.job, action: first.job.action }, operation: first.operation };
  const calls = [first, twin, second].map((call) => writer.call("submit", call));
  const results = await Promise.allSettled(calls);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assert.equal(count("operations"), 2);
  assert.equal(count("jobs"), 2);
});

test("when the thread dies, what it had received is UNAVAILABLE and the next call has a new thread", async (t) => {
  const { writer, logged, count } = await setUp(t);
  await writer.start();
  const lost = [writer.call("submit", plainSubmission(submission())), writer.call("die")];
  for (const call of lost) await assert.rejects(call, hasCode(Code.Unavailable));
  assert.equal((await writer.call("submit", plainSubmission(submission()))).merged, false);
  assert.equal(count("operations"), 1);
  assert.deepEqual(logged, ["a thread of the store died"]);
});

test("calls around the death of the thread succeed or are UNAVAILABLE; none hangs", async (t) => {
  const { writer, count } = await setUp(t);
  await writer.start();
  const death = writer.call("die").catch((error: unknown) => error);
  const lost: unknown[] = [];
  let succeeded = 0;
  while (succeeded < 5) {
    await writer.call("submit", plainSubmission(submission())).then(
      () => succeeded++,
      (error: unknown) => lost.push(error),
    );
    assert.ok(lost.length < 1000, "the thread does not come back");
  }
  assert.ok([await death, ...lost].every(hasCode(Code.Unavailable)));
  assert.equal(count("operations"), succeeded);
});

test("a thread that cannot start fails calls for a second, then another is tried", async (t) => {
  const { writer, clock, logged } = await setUp(t, { script: new URL("./no-such-thread.ts", import.meta.url) });
  await assert.rejects(writer.start(), /no-such-thread/);
  await assert.rejects(writer.call("die"), hasCode(Code.Unavailable));
  assert.equal(logged.length, 1);
  await clock.advance(1000);
  await assert.rejects(writer.call("die"), /no-such-thread/);
  assert.equal(logged.length, 2);
});

test("a full disk is RESOURCE_EXHAUSTED, leaves nothing half done, and passes when there is room again", async (t) => {
  const { writer, count } = await setUp(t, { maxPages: 200 });
  await writer.start();
  const large = () => plainSubmission(submission({ outcome: outcome({ response: "x".repeat(20_000) }) }));
  const first = large();
  await writer.call("submit", first);
  const fill = async () => {
    for (let i = 0; i < 200; i++) await writer.call("submit", large());
  };
  await assert.rejects(fill, hasCode(Code.ResourceExhausted));
  assert.equal(count("operations"), count("jobs"));
  assert.equal(count("operations"), count("job_payloads"));

  const before = count("operations");
  const group = [large(), large(), large()].map((call) => writer.call("submit", call));
  for (const call of group) await assert.rejects(call, hasCode(Code.ResourceExhausted));
  assert.equal(count("operations"), before);

  await writer.call("deleteOperation", first.operation);
  await writer.call("submit", plainSubmission(submission()));
  assert.equal(count("operations"), before);
});

test("disposal waits for what was called before and refuses what comes after", async (t) => {
  const { writer, count } = await setUp(t);
  const calls = Array.from({ length: 200 }, () => writer.call("submit", plainSubmission(submission())));
  const disposed = writer[Symbol.asyncDispose]();
  await assert.rejects(writer.call("submit", plainSubmission(submission())), hasCode(Code.Unavailable));
  await disposed;
  assert.equal((await Promise.all(calls)).length, 200);
  assert.equal(count("operations"), 200);
});

test("disposal ends also when the thread dies meanwhile", async (t) => {
  const { writer } = await setUp(t);
  await writer.start();
  const death = assert.rejects(writer.call("die"), hasCode(Code.Unavailable));
  await writer[Symbol.asyncDispose]();
  await death;
});

test("a value that cannot go to a thread fails its call, not the process", async (t) => {
  const { writer } = await setUp(t);
  const bad = { ...plainSubmission(submission()), extra: () => {} };
  await assert.rejects(writer.call("submit", bad), /could not be cloned/);
  assert.equal((await writer.call("submit", plainSubmission(submission()))).merged, false);
});
