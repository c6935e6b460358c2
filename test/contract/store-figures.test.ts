import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FigureRecord } from "../../src/store/store.ts";
import { backends, openStore, temporaryDir } from "../helpers/open-store.ts";

const record = (minute: number, part = 0, wish: Partial<FigureRecord> = {}): FigureRecord => ({
  ...{ instance: "main", minute, part, counts: new Uint8Array([minute % 256, part % 256]) },
  ...wish,
});

for (const backend of backends) {
  describe(`figures in ${backend}`, () => {
    test("are found by instance and minutes, in order", async (t) => {
      const store = await openStore(t, backend);
      const largest = 2 ** 47;
      const nameless = record(10, 0, { instance: "" });
      await store.putFigures([record(12), record(10, largest), nameless, record(10, 3), record(9), record(13)]);
      assert.deepEqual(await store.figures("main", 10, 12), [record(10, 3), record(10, largest), record(12)]);
      assert.deepEqual(await store.figures("", 0, 2 ** 31 - 1), [nameless]);
      assert.deepEqual(await store.figures("other", 0, 2 ** 31 - 1), []);
    });

    test("are replaced, not added to, and no records are none", async (t) => {
      const store = await openStore(t, backend);
      const whole = new Uint8Array([9, 8, 7, 6]);
      await store.putFigures([]);
      await store.putFigures([record(1), record(2)]);
      await store.putFigures([
        record(1, 0, { counts: whole.subarray(1, 3) }),
        record(2, 0, { counts: new Uint8Array() }),
      ]);
      const counts = (await store.figures("main", 1, 2)).map((found) => [...found.counts]);
      assert.deepEqual(counts, [[8, 7], []]);
    });

    test("are forgotten from the oldest on, at most as many as wanted, of all instances", async (t) => {
      const store = await openStore(t, backend);
      await store.putFigures([record(4), record(1), record(2, 0, { instance: "other" }), record(2), record(3)]);
      assert.equal(await store.pruneFigures(4, 2), 2);
      assert.deepEqual((await store.figures("main", 0, 9)).concat(await store.figures("other", 0, 9)).length, 3);
      assert.equal(await store.pruneFigures(4, 1000), 2);
      assert.equal(await store.pruneFigures(4, 1000), 0);
      assert.deepEqual(await store.figures("main", 0, 9), [record(4)]);
    });

    test("are there after the store was opened again", async (t) => {
      const dataDir = await temporaryDir(t);
      const first = await openStore(t, backend, { dataDir });
      await first.putFigures([record(1), record(2)]);
      await first[Symbol.asyncDispose]();
      const again = await openStore(t, backend, { dataDir });
      assert.deepEqual(await again.figures("main", 0, 9), [record(1), record(2)]);
    });
  });
}
