import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { type TestContext, test } from "node:test";
import { type Digest, digestOf } from "../../src/base/digests.ts";
import { Code, StatusError } from "../../src/base/errors.ts";
import { BlobCache } from "../../src/worker/blob-cache.ts";
import { scratch } from "../helpers/bot-bench.ts";

const blobs = ["a", "b", "c", "d"].map((letter) => Buffer.alloc(100, letter));
const [a, b, c, d] = blobs.map((data) => digestOf(data)) as [Digest, Digest, Digest, Digest];

test("keeps to its bound, the least recently used going first", async (t) => {
  const { cache } = await openCache(t, 300);
  for (const [index, digest] of [a, b, c].entries()) await put(cache, digest, index);
  assert.equal(await cache.hold(a), true);
  await cache.release([a]);
  await put(cache, d, 3);
  assert.equal(cache.bytes, 300);
  assert.deepEqual(await heldOf(cache), [true, false, true, true]);
});

test("keeps what is held, above the bound too, until it is let go", async (t) => {
  const { cache, directory } = await openCache(t, 150);
  await cache.store(a, blobs[0] as Buffer);
  await cache.store(b, blobs[1] as Buffer);
  assert.equal(cache.bytes, 200);
  assert.equal(await cache.copy(a, join(directory, "copy")), true);
  assert.equal((await stat(join(directory, "copy"))).mode & 0o777, 0o444);
  assert.deepEqual(await readFile(join(directory, "copy")), blobs[0]);
  await cache.release([a, b]);
  assert.equal(cache.bytes, 100);
});

test("refuses content that does not match, and leaves nothing of it", async (t) => {
  const { cache, directory } = await openCache(t, 1_000);
  const isMismatch = (error: unknown) => error instanceof StatusError && error.code === Code.Internal;
  await assert.rejects(cache.store(a, Buffer.alloc(100, "x")), isMismatch);
  await assert.rejects(cache.store(a, Readable.from([Buffer.alloc(99, "a")])), isMismatch);
  await assert.rejects(cache.store(a, Readable.from([blobs[0] as Buffer, Buffer.from("more")])), isMismatch);
  assert.equal(await cache.hold(a), false);
  assert.equal(cache.bytes, 0);
  assert.deepEqual(readdirSync(join(directory, "cache"), { recursive: true }).sort(), ["partial", "sha256"]);
});

test("stops reading a stream that is longer than its digest says", async (t) => {
  const { cache } = await openCache(t, 1_000);
  let chunks = 0;
  let closed = false;
  async function* endless() {
    try {
      for (;;) {
        chunks++;
        yield Buffer.alloc(60, "a");
      }
    } finally {
      closed = true;
    }
  }
  await assert.rejects(cache.store(a, endless()));
  assert.equal(chunks, 2);
  assert.ok(closed);
});

test("opens with the blobs of an earlier process, within the bound", async (t) => {
  const { cache, directory } = await openCache(t, 1_000);
  for (const [index, digest] of [a, b, c].entries()) await put(cache, digest, index);
  const again = await BlobCache.open(join(directory, "cache"), 200);
  assert.equal(again.bytes, 200);
  assert.equal((await heldOf(again)).filter(Boolean).length, 2);
});

async function openCache(t: TestContext, maxBytes: number) {
  const directory = await scratch(t);
  return { directory, cache: await BlobCache.open(join(directory, "cache"), maxBytes) };
}

async function put(cache: BlobCache, digest: Digest, index: number): Promise<void> {
  await cache.store(digest, blobs[index] as Buffer);
  await cache.release([digest]);
}

async function heldOf(cache: BlobCache): Promise<boolean[]> {
  const held: boolean[] = [];
  for (const digest of [a, b, c, d]) {
    const here = await cache.hold(digest);
    if (here) await cache.release([digest]);
    held.push(here);
  }
  return held;
}
