import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryBudget } from "../../src/cas/s3/memory-budget.ts";
import { PART_BYTES, PieceReader, partBytesFor } from "../../src/cas/s3/multipart.ts";

const MIB = 1024 * 1024;

async function* chunksOf(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

test("chooses parts that are no more than S3 takes, however large the blob", () => {
  assert.equal(partBytesFor(PART_BYTES + 1), PART_BYTES);
  for (const sizeBytes of [10_000 * PART_BYTES, 10_000 * PART_BYTES + 1, 1024 ** 4, 5 * 1024 ** 4]) {
    const partBytes = partBytesFor(sizeBytes);
    assert.ok(Math.ceil(sizeBytes / partBytes) <= 10_000, `${sizeBytes}`);
    assert.equal(partBytes % MIB, 0);
  }
});

test("joins chunks of any size to pieces, and refuses content that ends early", async () => {
  await using reader = new PieceReader(chunksOf("a", "bcdefg", "", "hi", "jkl"));
  const next = async (length: number) => Buffer.from(await reader.next(length)).toString();
  assert.deepEqual([await next(3), await next(1), await next(0), await next(6)], ["abc", "d", "", "efghij"]);
  await assert.rejects(reader.next(3), /ended 1 bytes early/);
});

test("ends the content that it reads", async () => {
  let ended = false;
  const content = async function* () {
    try {
      yield Buffer.from("abc");
    } finally {
      ended = true;
    }
  };
  {
    await using reader = new PieceReader(content());
    await reader.next(1);
  }
  assert.equal(ended, true);
});

test("never hands out more memory than there is, in the order of asking, and all of it to what asks for more", async () => {
  const budget = createMemoryBudget(100);
  const done: string[] = [];
  let held = 0;
  const hold = (name: string, bytes: number) =>
    budget.run(bytes, async () => {
      held += Math.min(bytes, 100);
      assert.ok(held <= 100, `${held}`);
      await new Promise((resolve) => setImmediate(resolve));
      held -= Math.min(bytes, 100);
      done.push(name);
    });
  const failing = budget.run(60, () => Promise.reject(new Error("broken")));
  const all = [hold("a", 40), hold("b", 500), hold("c", 50), hold("d", 50), hold("e", 1)];
  await assert.rejects(failing, /broken/);
  await Promise.all(all);
  assert.deepEqual(done, ["a", "b", "c", "d", "e"]);
  const giveBack = await budget.take(100);
  giveBack();
  giveBack();
  (await budget.take(100))();
});
