import assert from "node:assert/strict";
import { stat, truncate, unlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { digestOf } from "../../src/base/digests.ts";
import { Code } from "../../src/base/errors.ts";
import { fakeClock } from "../helpers/fake-clock.ts";
import { until } from "../helpers/until.ts";
import {
  assertStatus,
  blobFiles,
  blobOf,
  blobPath,
  collect,
  openCas,
  openFiles,
  put,
  randomBlob,
  testOfFiles,
  uploadFiles,
} from "./fixtures.ts";

const whole = { offset: 0, limit: undefined };

test("gives back every range of every blob it took", async (t) => {
  const { cas } = await openCas(t);
  const sizes = [1, 1000, 16 * 1024, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 1_000_000];
  const blobs = sizes.map((size) => randomBlob(size));
  await Promise.all(blobs.map(({ digest, data }) => cas.write(digest, data)));
  const arbitrary = fc.tuple(
    fc.constantFrom(...blobs),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.option(fc.nat(600_000)),
  );
  await fc.assert(
    fc.asyncProperty(arbitrary, async ([{ digest, data }, part, limitOrNull]) => {
      const offset = Math.floor(part * digest.sizeBytes);
      const limit = limitOrNull ?? undefined;
      const expected = data.subarray(offset, limit === undefined ? undefined : offset + limit);
      assert.deepEqual(await collect(cas.read(digest, { offset, limit })), Buffer.from(expected));
    }),
    { numRuns: 60 },
  );
  for (const { digest, data } of blobs) assert.ok(Buffer.from(data).equals(await cas.readAll(digest, 1_000_000)));
  assert.equal(
    cas.stats().bytes,
    sizes.reduce((sum, size) => sum + size, 0),
  );
});

test("always has the empty blob, without a file", async (t) => {
  const { cas, directory } = await openCas(t);
  const { digest, data } = blobOf("");
  assert.equal(await cas.has(digest), true);
  await cas.write(digest, data);
  await using upload = await cas.openUpload("id", digest);
  await upload.finish();
  assert.equal((await cas.readAll(digest, 0)).byteLength, 0);
  assert.equal((await collect(cas.read(digest, whole))).byteLength, 0);
  await assertStatus(collect(cas.read(digest, { offset: 1, limit: undefined })), Code.OutOfRange);
  assert.deepEqual(await blobFiles(directory), []);
  assert.deepEqual(await uploadFiles(directory), []);
  assert.equal(await cas.has({ ...digest, hash: "0".repeat(64) }), false);
});

test("refuses data that does not match its digest, names both and leaves nothing", async (t) => {
  const { cas, directory } = await openCas(t);
  const { digest, data } = blobOf("some content");
  const wrong = { ...digest, hash: digestOf(Buffer.from("other")).hash };
  const error = await assertStatus(cas.write(wrong, data), Code.InvalidArgument, "DIGEST_MISMATCH");
  assert.match(error.message, new RegExp(`expected ${wrong.hash}/12, got ${digest.hash}/12`));
  await assertStatus(cas.write({ ...digest, sizeBytes: 11 }, data), Code.InvalidArgument, "DIGEST_MISMATCH");
  assert.deepEqual([await blobFiles(directory), await uploadFiles(directory)], [[], []]);
  assert.deepEqual(cas.stats(), { blobs: 0, bytes: 0, maxBytes: cas.stats().maxBytes });
});

test("says which blobs are missing, and does not take a known hash with another size for the blob", async (t) => {
  const { cas } = await openCas(t);
  const here = await put(cas, "here");
  const gone = blobOf("not here").digest;
  const resized = { ...here, sizeBytes: 5 };
  assert.deepEqual(await cas.findMissing([here, gone, resized, here]), [gone, resized]);
  await assertStatus(cas.readAll(gone, 100), Code.NotFound);
  await assertStatus(cas.readAll(resized, 100), Code.NotFound);
  await assertStatus(collect(cas.read(gone, whole)), Code.NotFound);
});

test("refuses offsets outside of the blob and negative limits", async (t) => {
  const { cas } = await openCas(t);
  const digest = await put(cas, "0123456789");
  await assertStatus(collect(cas.read(digest, { offset: 11, limit: undefined })), Code.OutOfRange);
  await assertStatus(collect(cas.read(digest, { offset: -1, limit: undefined })), Code.OutOfRange);
  await assertStatus(collect(cas.read(digest, { offset: Number.NaN, limit: undefined })), Code.OutOfRange);
  await assertStatus(collect(cas.read(digest, { offset: 0, limit: -1 })), Code.InvalidArgument, "BAD_READ_LIMIT");
  assert.equal(`${await collect(cas.read(digest, { offset: 10, limit: undefined }))}`, "");
  assert.equal(`${await collect(cas.read(digest, { offset: 3, limit: 0 }))}`, "");
  await assertStatus(cas.readAll(digest, 9), Code.ResourceExhausted, "BLOB_TOO_LARGE");
});

test("stores one file when many write the same blob at once", async (t) => {
  const { cas, directory } = await openCas(t);
  const { digest, data } = randomBlob(50_000);
  const upload = async (id: number) => {
    await using sent = await cas.openUpload(`upload ${id}`, digest);
    await sent.write(data);
    await sent.finish();
  };
  await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 2 ? cas.write(digest, data) : upload(i))));
  assert.deepEqual(await blobFiles(directory), [`${digest.hash}-50000`]);
  assert.deepEqual(await uploadFiles(directory), []);
  assert.equal(cas.stats().bytes, 50_000);
});

test("closes the file of a consumer that stops early", async (t) => {
  const { cas, directory } = await openCas(t);
  const { digest, data } = randomBlob(3_000_000);
  await cas.write(digest, data);
  for await (const chunk of cas.read(digest, whole)) {
    assert.equal(openFiles(directory).length, 1);
    assert.ok(chunk.byteLength < data.byteLength);
    break;
  }
  assert.deepEqual(openFiles(directory), []);
});

testOfFiles("treats a blob whose file is gone or cut as missing, and takes it again", async (t) => {
  const { cas, directory } = await openCas(t);
  const blobs = [randomBlob(100_000), randomBlob(100_000)];
  for (const { digest, data } of blobs) await cas.write(digest, data);
  const [first, second] = blobs;
  assert.ok(first && second);
  await unlink(blobPath(directory, first.digest));
  await truncate(blobPath(directory, second.digest), 10);
  for (const { digest, data } of blobs) {
    await assertStatus(collect(cas.read(digest, whole)), Code.NotFound);
    assert.equal(await cas.has(digest), false);
    await cas.write(digest, data);
    assert.ok(Buffer.from(data).equals(await cas.readAll(digest, 100_000)));
  }
  assert.equal(cas.stats().bytes, 200_000);
});

testOfFiles("takes up its blobs after a restart, drops damaged ones and leaves foreign files alone", async (t) => {
  const { cas, directory, reopen } = await openCas(t);
  const good = await put(cas, "good");
  const cut = await put(cas, "to be cut");
  await truncate(blobPath(directory, cut), 2);
  const foreign = join(directory, "blobs", "sha256", "00", "README");
  await writeFile(foreign, "not ours");
  await writeFile(join(directory, "uploads", "left-over.tmp"), "x");
  const again = await reopen();
  assert.deepEqual(await again.findMissing([good, cut]), [cut]);
  assert.deepEqual((await blobFiles(directory)).sort(), [`${good.hash}-4`, "README"].sort());
  assert.deepEqual(await uploadFiles(directory), []);
  assert.equal(again.stats().bytes, 4);
});

testOfFiles("writes the time of a use to disk, at most once an hour", async (t) => {
  const clock = fakeClock();
  const { cas, directory } = await openCas(t, { clock });
  const digest = await put(cas, "used");
  const mtime = async () => (await stat(blobPath(directory, digest))).mtimeMs;
  await utimes(blobPath(directory, digest), 1, 1);
  await clock.advance(3_599_000);
  assert.equal(await cas.has(digest), true);
  await clock.advance(1000);
  assert.equal(await mtime(), 1000);
  assert.equal(await cas.has(digest), true);
  await until(async () => (await mtime()) === clock.now(), "the time is on disk");
});

test("refuses blobs beyond the limits", async (t) => {
  const { cas } = await openCas(t, { maxBlobBytes: 1000, maxBytes: 900 });
  const [tooLarge, noRoom] = [randomBlob(1001), randomBlob(1000)];
  await assertStatus(cas.write(tooLarge.digest, tooLarge.data), Code.InvalidArgument, "BLOB_TOO_LARGE");
  await assertStatus(cas.openUpload("id", tooLarge.digest), Code.InvalidArgument, "BLOB_TOO_LARGE");
  await assertStatus(cas.write(noRoom.digest, noRoom.data), Code.ResourceExhausted, "CAS_FULL");
  await assertStatus(cas.openUpload("id", noRoom.digest), Code.ResourceExhausted, "CAS_FULL");
});

test("finishes what it is storing before it closes, and takes nothing after", async (t) => {
  const { cas, reopen } = await openCas(t);
  const blobs = Array.from({ length: 20 }, () => randomBlob(1000));
  const writes = Promise.all(blobs.map(({ digest, data }) => cas.write(digest, data)));
  const again = await reopen();
  await writes;
  assert.deepEqual(await again.findMissing(blobs.map(({ digest }) => digest)), []);
  const { digest, data } = randomBlob(10);
  await assertStatus(cas.write(digest, data), Code.Unavailable);
  await assertStatus(cas.openUpload("id", digest), Code.Unavailable);
});
