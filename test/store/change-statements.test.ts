import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { changeReads } from "../../src/store/sqlite/change-reads.ts";
import { createChangeStatements } from "../../src/store/sqlite/change-statements.ts";
import { migrate } from "../../src/store/sqlite/migrations.ts";

const migrations = new URL("../../src/store/migrations/sqlite/", import.meta.url);
const MOST = 200;

function open() {
  const db = new DatabaseSync(":memory:");
  migrate(db, migrations, 0);
  const kept = () => Number(db.prepare("SELECT count(*) AS n FROM deleted_operations").get()?.n);
  return { db, kept, reads: changeReads(db), changes: createChangeStatements(db, MOST) };
}

test("deletions are forgotten beyond a number, the oldest first", () => {
  const { changes, kept } = open();
  for (let i = 0; i < 10 * MOST; i++) changes.noteDeletion("main", `operation-${i}`);
  assert.ok(kept() >= MOST && kept() <= MOST + 2, String(kept()));
});

test("who was away for longer is told so, and nobody else", () => {
  const { changes, reads } = open();
  const long = reads.changePosition();
  for (let i = 0; i < MOST; i++) changes.noteDeletion("main", `operation-${i}`);
  assert.equal(reads.changesAfter(long, 1000)?.changes.length, MOST);
  const short = reads.changePosition();
  for (let i = 0; i < MOST; i++) changes.noteDeletion("main", `later-${i}`);
  assert.equal(reads.changesAfter(long, 1000), undefined);
  assert.equal(reads.changesAfter(short, 1000)?.changes.length, MOST);
});

test("changes are counted on after a start, whatever was forgotten", () => {
  const { db, changes, reads } = open();
  for (let i = 0; i < 3 * MOST; i++) changes.noteDeletion("main", `operation-${i}`);
  const position = reads.changePosition();
  createChangeStatements(db, MOST).noteDeletion("main", "later");
  assert.deepEqual(reads.changesAfter(position, 10)?.changes, [
    { kind: "deleted", key: { instance: "main", id: "later" } },
  ]);
});
