import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { digestOf } from "../../src/base/digests.ts";
import { openFarm, START, session } from "../helpers/farm.ts";
import { backends } from "../helpers/open-store.ts";

const HOUR = 3_600_000;
const action = (text: string) => digestOf(Buffer.from(text));
const bytes = (text: string) => new Uint8Array(Buffer.from(text));

for (const backend of backends) {
  describe(`bot sessions in ${backend}`, () => {
    test("a session reads back as it was put, and putting it again replaces it", async (t) => {
      const { store } = await openFarm(t, backend);
      const first = session({ properties: [], parent: "*" });
      await store.putSession(first);
      assert.deepEqual(await store.getSession(first.name), first);
      const second = session({ status: 3, version: 2, capacity: 4, expiresAt: START + 1, updatedAt: START + 2 });
      await store.putSession(second);
      assert.deepEqual(await store.getSession(first.name), second);
      assert.equal(await store.getSession("main/other"), undefined);
    });

    test("sessions are listed all, or by bot", async (t) => {
      const { store } = await openFarm(t, backend);
      const a = session({ name: "main/a", botId: "one" });
      const b = session({ name: "main/b", botId: "two" });
      const c = session({ name: "other/c", botId: "one" });
      for (const each of [b, c, a]) await store.putSession(each);
      assert.deepEqual(await store.sessions(undefined), [a, b, c]);
      assert.deepEqual(await store.sessions("one"), [a, c]);
      assert.deepEqual(await store.sessions("none"), []);
    });

    test("a session is forgotten, but not while it holds a job", async (t) => {
      const { store, submit, lease } = await openFarm(t, backend);
      const { job } = await submit();
      await lease("main/one");
      assert.equal(await store.deleteSession("main/one"), false);
      assert.notEqual(await store.getSession("main/one"), undefined);
      await store.requeue(job.id, "main/one", START);
      assert.equal(await store.deleteSession("main/one"), true);
      assert.equal(await store.getSession("main/one"), undefined);
      assert.equal(await store.deleteSession("main/one"), true);
    });

    test("of a claim and a deletion that race one wins", async (t) => {
      const { store, submit } = await openFarm(t, backend);
      await submit();
      await store.putSession(session());
      const [deleted, jobs] = await Promise.all([
        store.deleteSession("main/bot-session"),
        store.claim({ session: "main/bot-session", worker: "bot", platforms: [1], limit: 1, now: START }),
      ]);
      assert.equal(deleted, jobs.length === 0);
    });
  });

  describe(`action results in ${backend}`, () => {
    test("a result is found by instance, hash and size, until it is deleted", async (t) => {
      const { store } = await openFarm(t, backend);
      const key = action("a");
      await store.putActionResult("main", key, bytes("one"), START);
      await store.putActionResult("main", key, bytes("two"), START);
      await store.putActionResult("other", key, bytes(""), START);
      assert.deepEqual(await store.getActionResult("main", key, START), bytes("two"));
      assert.deepEqual(await store.getActionResult("other", key, START), bytes(""));
      assert.equal(await store.getActionResult("main", { ...key, sizeBytes: 2 }, START), undefined);
      assert.equal(await store.getActionResult("main", action("b"), START), undefined);
      await store.deleteActionResult("main", key);
      assert.equal(await store.getActionResult("main", key, START), undefined);
      assert.notEqual(await store.getActionResult("other", key, START), undefined);
      await store.deleteActionResult("main", key);
    });

    test("pruning keeps the results of an instance that were used last", async (t) => {
      const { store } = await openFarm(t, backend);
      const names = ["a", "b", "c", "d", "e"];
      for (const [i, name] of names.entries())
        await store.putActionResult("main", action(name), bytes(name), START + i);
      await store.putActionResult("other", action("a"), bytes("a"), START);
      // Two uses, well apart from the first times, make `a` and `b` the youngest.
      await store.getActionResult("main", action("a"), START + 2 * HOUR);
      await store.getActionResult("main", action("b"), START + 2 * HOUR);
      assert.equal(await store.pruneActionResults("main", 3), 2);
      const left = [];
      for (const name of names) if (await store.getActionResult("main", action(name), START)) left.push(name);
      assert.deepEqual(left, ["a", "b", "e"]);
      assert.equal(await store.pruneActionResults("main", 3), 0);
      assert.notEqual(await store.getActionResult("other", action("a"), START), undefined);
      assert.equal(await store.pruneActionResults("main", 0), 3);
    });

    test("pruning goes on until enough are gone", async (t) => {
      const { store } = await openFarm(t, backend);
      const puts = Array.from({ length: 2500 }, (_, i) =>
        store.putActionResult("main", action(`${i}`), bytes("x"), START + i),
      );
      await Promise.all(puts);
      assert.equal(await store.pruneActionResults("main", 10), 2490);
      assert.notEqual(await store.getActionResult("main", action("2490"), START), undefined);
      assert.equal(await store.getActionResult("main", action("2489"), START), undefined);
    });
  });
}
