import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { digestOf } from "../../src/base/digests.ts";
import { Code, StatusError } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import { createSqliteStore } from "../../src/store/store.ts";
import { openFarm, START, submission } from "../helpers/farm.ts";
import { openStore, temporaryDir } from "../helpers/open-store.ts";

const HOUR = 3_600_000;

test("everything is there after closing and opening again", async (t) => {
  const dataDir = await temporaryDir(t);
  const farm = await openFarm(t, "sqlite", { dataDir });
  const operation = await farm.submit();
  const [job] = await farm.lease("main/one");
  await farm.store[Symbol.asyncDispose]();

  const store = await openStore(t, "sqlite", { dataDir });
  assert.deepEqual(await store.leasedJobs("main/one"), [job]);
  assert.deepEqual(await store.getOperation(operation), { ...operation, stage: 3, job });
});

test("closing leaves one file with everything in it beside the lock", async (t) => {
  const dataDir = await temporaryDir(t);
  const { store, submit } = await openFarm(t, "sqlite", { dataDir });
  const writes = Promise.all(Array.from({ length: 50 }, () => submit()));
  const closing = store[Symbol.asyncDispose]();
  assert.equal((await writes).length, 50);
  await closing;
  await store[Symbol.asyncDispose]();
  assert.deepEqual((await readdir(dataDir)).sort(), ["lock.db", "opgrid.db"]);
  using db = new DatabaseSync(join(dataDir, "opgrid.db"), { readOnly: true });
  assert.equal(db.prepare("SELECT count(*) AS n FROM operations").get()?.n, 50);
});

test("a closed store is UNAVAILABLE", async (t) => {
  const store = await openStore(t, "sqlite");
  await store[Symbol.asyncDispose]();
  const unavailable = (error: unknown) => error instanceof StatusError && error.code === Code.Unavailable;
  await assert.rejects(store.submit(submission()), unavailable);
  await assert.rejects(store.liveOperations(), unavailable);
  const order = [{ key: "command", descending: false }] as const;
  const everything = { kind: "and", terms: [] } as const;
  const query = { instance: "", filter: everything, order, after: undefined, limit: 1 };
  await assert.rejects(store.listOperations(query), unavailable);
});

test("a damaged database is refused, and the data directory is free again", async (t) => {
  const dataDir = await temporaryDir(t);
  await writeFile(
    join(dataDir, "opgrid.db"),
    "this is not a database, and long enough to be read as a header".repeat(20),
  );
  await assert.rejects(createSqliteStore({ dataDir, log: silentLog }), /file is not a database/);
  await assert.rejects(createSqliteStore({ dataDir, log: silentLog }), /file is not a database/);
});

test("reading an action result costs a write only when its recorded use is old", async (t) => {
  const dataDir = await temporaryDir(t);
  const store = await openStore(t, "sqlite", { dataDir });
  const action = digestOf(Buffer.from("a"));
  using db = new DatabaseSync(join(dataDir, "opgrid.db"), { readOnly: true });
  const usedAt = () => db.prepare("SELECT used_at FROM action_results").get()?.used_at;
  await store.putActionResult("main", action, new Uint8Array(1), START);

  await store.getActionResult("main", action, START + HOUR);
  // A write is done after those that were called before it.
  await store.deleteSession("none");
  assert.equal(usedAt(), START);
  await store.getActionResult("main", action, START + HOUR + 1);
  await store.deleteSession("none");
  assert.equal(usedAt(), START + HOUR + 1);
});

test("the use of an action result is recorded before the store closes", async (t) => {
  const dataDir = await temporaryDir(t);
  const store = await openStore(t, "sqlite", { dataDir });
  const action = digestOf(Buffer.from("a"));
  await store.putActionResult("main", action, new Uint8Array(1), START);
  await store.getActionResult("main", action, START + 2 * HOUR);
  await store[Symbol.asyncDispose]();
  using db = new DatabaseSync(join(dataDir, "opgrid.db"), { readOnly: true });
  assert.equal(db.prepare("SELECT used_at FROM action_results").get()?.used_at, START + 2 * HOUR);
});

test("a long list does not hold up this thread", async (t) => {
  const { store, submit } = await openFarm(t, "sqlite");
  const operation = await submit();
  const turns: string[] = [];
  const everything = { kind: "and", terms: [] } as const;
  const order = [
    { key: "command", descending: false },
    { key: "name", descending: false },
  ] as const;
  const query = { instance: "main", filter: everything, order, after: undefined, limit: 1 };
  const list = store.listOperations(query).then((rows) => turns.push(...rows.map(({ id }) => id)));
  setImmediate(() => turns.push("this thread"));
  await list;
  assert.deepEqual(turns, ["this thread", operation.id]);
});

test("the store sends no more than the bytes it needs to its thread", async (t) => {
  const { store, submit, lease } = await openFarm(t, "sqlite");
  const { job } = await submit();
  await lease("main/one");
  const message = new Uint8Array(1024 * 1024);
  await store.reportProgress(job.id, "main/one", message.subarray(5, 10), undefined);
  assert.equal((await store.getJob(job.id))?.partialMetadata?.buffer.byteLength, 5);
  assert.equal(message.byteLength, 1024 * 1024);
});

test("the thread that writes loads nothing of the wire", async () => {
  const thread = await loadedBy("src/store/sqlite/write-thread.ts");
  const shared = ["job-event", "records", "rows", "stages"].map((name) => `src/store/${name}.ts`);
  assert.deepEqual(
    thread.filter(
      (file) => !file.startsWith("src/store/sqlite/") && ![...shared, "src/base/digests.ts"].includes(file),
    ),
    [],
  );
});

/** The modules that a module imports as values, directly or not. */
async function loadedBy(file: string, seen = new Set<string>()): Promise<string[]> {
  if (seen.has(file)) return [];
  seen.add(file);
  const root = join(import.meta.dirname, "../..");
  const text = await readFile(join(root, file), "utf8");
  const specifiers = [...text.matchAll(/^(?:import|export) (?!type )[^"]*?from "(\.[^"]+)";/gm)];
  for (const [, specifier = ""] of specifiers) await loadedBy(join(file, "..", specifier), seen);
  return [...seen];
}
