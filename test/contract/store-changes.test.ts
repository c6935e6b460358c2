import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { OperationRecord } from "../../src/operations/operations.ts";
import type { ChangePosition, Store } from "../../src/store/store.ts";
import { CANCELLED, completeJob, openFarm, outcome, START } from "../helpers/farm.ts";
import { backends, openStore, temporaryDir } from "../helpers/open-store.ts";

const bytes = new Uint8Array([1]);

/** What a reader knows who began at a position: the operations that it was told of, by id, and those that are gone. */
class Reader {
  readonly #store: Store;
  readonly known = new Map<string, OperationRecord | "deleted">();
  position: ChangePosition;

  constructor(store: Store, position: ChangePosition) {
    this.#store = store;
    this.position = position;
  }

  /** Reads on and answers the ids of one page. */
  async page(limit: number): Promise<string[]> {
    const page = await this.#store.changesAfter(this.position, limit);
    assert.ok(page);
    this.position = page.position;
    return page.changes.map((change) => {
      const { id } = change.kind === "deleted" ? change.key : change.operation;
      this.known.set(id, change.kind === "deleted" ? "deleted" : change.operation);
      return id;
    });
  }

  async toTheEnd(limit = 100): Promise<string[]> {
    const all: string[] = [];
    for (let ids = await this.page(limit); ids.length > 0; ids = await this.page(limit)) all.push(...ids);
    return all;
  }
}

for (const backend of backends) {
  describe(`changes in ${backend}`, () => {
    test("each transition of an operation is a change", async (t) => {
      const { store, submit, lease, again } = await openFarm(t, backend);
      const reader = new Reader(store, await store.changePosition());
      const operation = await submit();
      const { id, job } = operation;
      const steps: (() => Promise<unknown>)[] = [
        () => lease(),
        () => store.reportProgress(job.id, "main/bot-session", bytes, START + 11),
        () => store.requeue(job.id, "main/bot-session", START + 12),
        () => lease(),
        () => completeJob(store, job.id),
      ];
      assert.deepEqual(await reader.toTheEnd(), [id]);
      for (const step of steps) {
        await step();
        assert.deepEqual(await reader.toTheEnd(), [id]);
        assert.deepEqual(reader.known.get(id), await again(operation));
      }
      await store.deleteOperation(operation);
      assert.deepEqual(await reader.toTheEnd(), [id]);
      assert.equal(reader.known.get(id), "deleted");
    });

    test("what changes nothing that anybody sees is no change", async (t) => {
      const { store, submit } = await openFarm(t, backend);
      const operation = await submit();
      const reader = new Reader(store, await store.changePosition());
      await store.markPolled(operation);
      await store.cancelOperation({ instance: "main", id: "missing" }, CANCELLED, START);
      await store.deleteOperation({ instance: "main", id: "missing" });
      assert.deepEqual(await reader.toTheEnd(), []);
    });

    test("all live operations of a job change with it, and the ended ones do not", async (t) => {
      const { store, submit } = await openFarm(t, backend);
      const [a, b, c] = [await submit({ action: "x" }), await submit({ action: "x" }), await submit({ action: "x" })];
      await store.cancelOperation(b, CANCELLED, START + 1);
      const reader = new Reader(store, await store.changePosition());
      await completeJob(store, a.job.id);
      assert.deepEqual((await reader.toTheEnd(1)).sort(), [a.id, c.id].sort());
    });

    test("a new operation that makes a job more urgent changes the others on it", async (t) => {
      const { store, submit } = await openFarm(t, backend);
      const first = await submit({ action: "x", priority: 5 });
      const reader = new Reader(store, await store.changePosition());
      const equal = await submit({ action: "x", priority: 5 });
      assert.deepEqual(await reader.toTheEnd(), [equal.id]);
      const urgent = await submit({ action: "x", priority: 1 });
      assert.deepEqual((await reader.toTheEnd()).sort(), [first.id, equal.id, urgent.id].sort());
    });

    test("of several changes of one operation the last is told", async (t) => {
      const { store, submit } = await openFarm(t, backend);
      const reader = new Reader(store, await store.changePosition());
      const [a, b, c] = [await submit(), await submit(), await submit()];
      await completeJob(store, a.job.id);
      await store.deleteOperation(c);
      assert.deepEqual(await reader.toTheEnd(), [b.id, a.id, c.id]);
    });

    test("what retention takes is told", async (t) => {
      const { store, submit } = await openFarm(t, backend);
      const operations = [await submit(), await submit(), await submit()];
      for (const { job } of operations) await completeJob(store, job.id, START + 1);
      const reader = new Reader(store, await store.changePosition());
      assert.equal(await store.pruneOperations("main", START + 2, 10), 3);
      assert.deepEqual((await reader.toTheEnd(2)).sort(), operations.map(({ id }) => id).sort());
      assert.deepEqual(new Set(reader.known.values()), new Set(["deleted"]));
    });

    test("a position stays good when the store is closed and opened", async (t) => {
      const dataDir = await temporaryDir(t);
      const first = await openFarm(t, backend, { dataDir });
      const gone = await first.submit();
      const position = await first.store.changePosition();
      await first.store.deleteOperation(gone);
      await first.store[Symbol.asyncDispose]();
      const second = await openFarm(t, backend, { dataDir });
      const reader = new Reader(second.store, position);
      const { id } = await second.submit();
      assert.deepEqual(await reader.toTheEnd(), [gone.id, id]);
    });

    test("a position of another database, of the future, or of no database is refused", async (t) => {
      const { store, submit } = await openFarm(t, backend);
      const other = await openStore(t, backend);
      assert.equal(await store.changesAfter(await other.changePosition(), 10), undefined);
      const before = await store.changePosition();
      for (const position of ["", "x", `${before}.1`, `${before} `, before.replace(/\.\d+\./, ".99.")]) {
        assert.equal(await store.changesAfter(position, 10), undefined, position);
      }
      await submit();
      assert.equal((await store.changesAfter(before, 10))?.changes.length, 1);
    });

    test("who listens is woken after a change, until that is stopped", async (t) => {
      const { store, submit, lease } = await openFarm(t, backend);
      let woken = 0;
      const stop = store.onChange(() => {
        woken += 1;
      });
      await submit();
      assert.ok(woken > 0);
      stop();
      const before = woken;
      await lease();
      assert.equal(woken, before);
    });

    test("readers that keep up, lag behind and come back end with the truth", async (t) => {
      const farm = await openFarm(t, backend);
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(fc.nat(6), fc.nat(20), fc.nat(3)), { maxLength: 60 }), async (steps) => {
          await follow(farm, steps);
        }),
        { numRuns: 40 },
      );
    });
  });
}

/** Takes random steps, reading a little now and then, and compares what the readers know at the end with the store. */
async function follow(
  { store, submit, lease }: Awaited<ReturnType<typeof openFarm>>,
  steps: readonly (readonly [action: number, pick: number, read: number])[],
): Promise<void> {
  const start = await store.changePosition();
  const [swift, slow] = [new Reader(store, start), new Reader(store, start)];
  const operations: OperationRecord[] = [];
  for (const [action, pick, read] of steps) {
    const chosen = operations[pick % Math.max(1, operations.length)];
    if (action <= 1 || !chosen) operations.push(await submit({ action: `action ${pick % 5}` }));
    else if (action === 2) await lease("main/bot-session", 2);
    else if (action === 3) await completeJob(store, chosen.job.id);
    else if (action === 4) await store.cancelOperation(chosen, CANCELLED, START);
    else if (action === 5) await store.deleteOperation(chosen);
    else await store.killJob(chosen, outcome(), START, { by: "client", identity: undefined, reason: "" });
    await swift.toTheEnd(1 + read);
    if (read === 0) await slow.page(1);
  }
  await slow.toTheEnd(3);
  for (const operation of operations) {
    const truth = ownPart((await store.getOperation(operation)) ?? "deleted");
    assert.deepEqual(ownPart(swift.known.get(operation.id)), truth);
    assert.deepEqual(ownPart(slow.known.get(operation.id)), truth);
  }
}

/** An operation that was cancelled on its own has ended, however its job goes on for others. */
function ownPart(known: OperationRecord | "deleted" | undefined) {
  return known !== undefined && known !== "deleted" && known.cancelled ? { ...known, job: undefined } : known;
}
