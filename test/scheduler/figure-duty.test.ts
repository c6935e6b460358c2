import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../src/base/clock.ts";
import { figureDuty } from "../../src/scheduler/figure-duty.ts";
import { openStore } from "../helpers/open-store.ts";

const OLD = Array.from({ length: 2500 }, (_, minute) => ({
  ...{ instance: "main", minute, part: 1, counts: new Uint8Array([1]) },
}));

test("forgets all old figures in one turn, however many there are, unless the turn ends", async (t) => {
  const store = await openStore(t, "sqlite");
  const left = async () => (await store.figures("main", 0, OLD.length)).length;
  await store.putFigures(OLD);
  const duty = figureDuty({ store, clock: systemClock, instances: ["main"] });
  const { signal } = new AbortController();
  let steps = 1;
  await duty.run({ signal, isMine: () => steps-- > 0, usableForMs: () => 0 });
  assert.equal(await left(), 1500);
  await duty.run({ signal, isMine: () => true, usableForMs: () => 0 });
  assert.equal(await left(), 0);
});
