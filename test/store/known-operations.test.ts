import assert from "node:assert/strict";
import { test } from "node:test";
import { openFarm, outcome } from "../helpers/farm.ts";

test("an operation that is read again is the same object while nothing changes, also among many others", async (t) => {
  const { store, submit, again } = await openFarm(t, "sqlite");
  const operation = await submit();
  const response = "x".repeat(50_000);
  const first = await again(operation);
  assert.equal(await again(operation), first);
  for (let read = 0; read < 700; read++) {
    const other = await submit({ outcome: outcome({ response: response + read }) });
    assert.equal((await again(other))?.job.outcome?.response.byteLength, response.length + String(read).length);
    assert.equal(await again(operation), first);
  }
  const large = await submit({ outcome: outcome({ response: "x".repeat(1_000_000) }) });
  assert.deepEqual(await again(large), await again(large));
  await store.deleteOperation(operation);
  assert.equal(await again(operation), undefined);
});
