import assert from "node:assert/strict";
import { appendFile, truncate, utimes } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { Code } from "../../src/base/errors.ts";
import type { Cas } from "../../src/cas/cas.ts";
import { fakeClock } from "../helpers/fake-clock.ts";
import { until } from "../helpers/until.ts";
import { assertStatus, type Blob, blobFiles, openCas, randomBlob, testOfFiles, uploadFiles } from "./fixtures.ts";

/** Sends one part in one call that ends without finishing. */
async function sendPart(cas: Cas, id: string, { digest, data }: Blob, from: number, to: number): Promise<void> {
  await using upload = await cas.openUpload(id, digest);
  assert.equal(upload.committedSize, from);
  await upload.write(data.subarray(from, to));
}

test("puts a blob together from any chunks, over broken calls and restarts", async (t) => {
  const { cas: first, directory, reopen } = await openCas(t);
  let cas = first;
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.nat(70_000) },
    { weight: 1, arbitrary: fc.constant("break" as const) },
    { weight: 1, arbitrary: fc.constant("restart" as const) },
  );
  let uploads = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.nat(300_000), async (steps, size) => {
      const { digest, data } = randomBlob(size + 1);
      const id = `upload ${uploads++}`;
      let upload = await cas.openUpload(id, digest);
      for (const each of steps) {
        const sent = upload.committedSize;
        if (typeof each === "number") {
          await upload.write(data.subarray(sent, sent + each));
          continue;
        }
        await upload[Symbol.asyncDispose]();
        if (each === "restart") cas = await reopen();
        assert.deepEqual(await cas.uploadStatus(id, digest), { committedSize: sent, complete: false });
        upload = await cas.openUpload(id, digest);
        assert.equal(upload.committedSize, sent);
      }
      await upload.write(data.subarray(upload.committedSize));
      await upload.finish();
      await upload[Symbol.asyncDispose]();
      assert.ok(Buffer.from(data).equals(await cas.readAll(digest, 400_000)));
      assert.deepEqual(await cas.uploadStatus(id, digest), { committedSize: size + 1, complete: true });
    }),
    { numRuns: 30 },
  );
  assert.deepEqual(await uploadFiles(directory), []);
});

test("refuses content of another hash, and leaves nothing", async (t) => {
  const { cas, directory } = await openCas(t);
  const { digest } = randomBlob(1000);
  const upload = await cas.openUpload("id", digest);
  await upload.write(randomBlob(1000).data);
  await assertStatus(upload.finish(), Code.InvalidArgument, "DIGEST_MISMATCH");
  await upload[Symbol.asyncDispose]();
  assert.deepEqual([await blobFiles(directory), await uploadFiles(directory)], [[], []]);
  assert.equal(cas.stats().bytes, 0);
  assert.deepEqual(await cas.uploadStatus("id", digest), { committedSize: 0, complete: false });
});

test("refuses content that is too short when it ends, and too long at once", async (t) => {
  const { cas, directory } = await openCas(t);
  const { digest, data } = randomBlob(1000);
  await using short = await cas.openUpload("short", digest);
  await short.write(data.subarray(0, 999));
  const error = await assertStatus(short.finish(), Code.InvalidArgument, "DIGEST_MISMATCH");
  assert.match(error.message, /expected [0-9a-f]{64}\/1000, got [0-9a-f]{64}\/999/);
  await using long = await cas.openUpload("long", digest);
  await long.write(data);
  await assertStatus(long.write(Buffer.from("x")), Code.InvalidArgument, "DIGEST_MISMATCH");
  await assertStatus(long.write(Buffer.from("x")), Code.Aborted, "UPLOAD_ENDED");
  await assertStatus(long.finish(), Code.Aborted, "UPLOAD_ENDED");
  assert.deepEqual(await uploadFiles(directory), []);
  assert.equal(cas.stats().bytes, 0);
});

test("lets one call at a time send to an upload", async (t) => {
  const { cas } = await openCas(t);
  const { digest, data } = randomBlob(1000);
  const other = randomBlob(1000).digest;
  await using upload = await cas.openUpload("id", digest);
  await assertStatus(cas.openUpload("id", digest), Code.Aborted, "UPLOAD_IN_PROGRESS");
  await using _sameIdOtherBlob = await cas.openUpload("id", other);
  await using second = await cas.openUpload("id 2", digest);
  for (const each of [upload, second]) {
    await each.write(data);
    await each.finish();
  }
  assert.equal(cas.stats().bytes, 1000);
});

test("takes any text as an upload id", async (t) => {
  const { cas, directory } = await openCas(t);
  const blob = randomBlob(100);
  const ids = ["../../../etc/passwd", "..", "", "a\0b", "\ud800", "%2e%2e%2f", "x".repeat(1_000_000), "con\n"];
  for (const id of ids) await sendPart(cas, id, blob, 0, 50);
  const names = await uploadFiles(directory);
  assert.equal(names.length, ids.length);
  for (const name of names) assert.match(name, /^[0-9a-f]{64}\.part$/);
  for (const id of ids)
    assert.deepEqual(await cas.uploadStatus(id, blob.digest), { committedSize: 50, complete: false });
});

test("keeps no trace of an upload that never got a byte", async (t) => {
  const { cas, directory } = await openCas(t);
  const { digest } = randomBlob(100);
  for (let i = 0; i < 3; i++) await (await cas.openUpload("id", digest))[Symbol.asyncDispose]();
  assert.deepEqual(await uploadFiles(directory), []);
  assert.equal(cas.stats().bytes, 0);
});

test("counts partial uploads, and deletes them once nobody has come back for long enough", async (t) => {
  const clock = fakeClock();
  const { cas, directory } = await openCas(t, { clock, uploadExpiryMs: 600_000 });
  const [left, continued] = [randomBlob(1000), randomBlob(1000)];
  await sendPart(cas, "left", left, 0, 400);
  await sendPart(cas, "continued", continued, 0, 400);
  assert.equal(cas.stats().bytes, 800);
  await clock.advance(500_000);
  await sendPart(cas, "continued", continued, 400, 500);
  await clock.advance(160_000);
  await until(() => cas.stats().bytes === 500, "the abandoned upload is gone");
  assert.equal((await uploadFiles(directory)).length, 1);
  await using upload = await cas.openUpload("continued", continued.digest);
  await clock.advance(6_000_000);
  await upload.write(continued.data.subarray(500));
  await upload.finish();
  assert.equal(await cas.has(continued.digest), true);
});

test("deletes at the start what has expired meanwhile", async (t) => {
  const { cas, directory, reopen } = await openCas(t, { uploadExpiryMs: 600_000 });
  const [old, recent] = [randomBlob(1000), randomBlob(1000)];
  await sendPart(cas, "old", old, 0, 400);
  const [name] = await uploadFiles(directory);
  assert.ok(name);
  await sendPart(cas, "recent", recent, 0, 300);
  const longAgo = Date.now() / 1000 - 601;
  await utimes(join(directory, "uploads", name), longAgo, longAgo);
  const again = await reopen();
  assert.equal((await uploadFiles(directory)).length, 1);
  assert.equal(again.stats().bytes, 300);
  await sendPart(again, "recent", recent, 300, 1000);
});

test("finds out when the bytes of a partial upload were damaged while it was down", async (t) => {
  const { cas, directory, reopen } = await openCas(t);
  const blob = randomBlob(1000);
  await sendPart(cas, "id", blob, 0, 400);
  const [name] = await uploadFiles(directory);
  assert.ok(name);
  await truncate(join(directory, "uploads", name), 300);
  await appendFile(join(directory, "uploads", name), Buffer.alloc(100));
  const again = await reopen();
  await using upload = await again.openUpload("id", blob.digest);
  await upload.write(blob.data.subarray(400));
  await assertStatus(upload.finish(), Code.InvalidArgument, "DIGEST_MISMATCH");
  assert.deepEqual(await uploadFiles(directory), []);
});

test("starts an upload again whose file was changed behind its back", async (t) => {
  const { cas, directory, reopen } = await openCas(t);
  const blob = randomBlob(1000);
  await sendPart(cas, "id", blob, 0, 400);
  const again = await reopen();
  const [name] = await uploadFiles(directory);
  assert.ok(name);
  await truncate(join(directory, "uploads", name), 300);
  await sendPart(again, "id", blob, 0, 1000);
  assert.equal(again.stats().bytes, 1000);
});

testOfFiles("gives up the oldest partial upload when there are too many", async (t) => {
  const { cas } = await openCas(t);
  const blob = randomBlob(10);
  await sendPart(cas, "0", blob, 0, 1);
  const send = (first: number) => (_: unknown, i: number) => sendPart(cas, `${first + i}`, blob, 0, 1);
  for (let i = 1; i <= 10_000; i += 100) await Promise.all(Array.from({ length: 100 }, send(i)));
  await until(() => cas.stats().bytes === 10_000, "one upload is gone");
  assert.equal((await cas.uploadStatus("0", blob.digest)).committedSize, 0);
  assert.equal((await cas.uploadStatus("1", blob.digest)).committedSize, 1);
});
