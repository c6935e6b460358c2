import assert from "node:assert/strict";
import { utimes } from "node:fs/promises";
import { test } from "node:test";
import type { Digest } from "../../src/base/digests.ts";
import { Code, unavailable } from "../../src/base/errors.ts";
import type { Cas } from "../../src/cas/cas.ts";
import { until } from "../helpers/until.ts";
import {
  assertStatus,
  blobFiles,
  blobPath,
  collect,
  openCas,
  putAction,
  putDirectory,
  randomBlob,
  uploadFiles,
} from "./fixtures.ts";

async function putRandom(cas: Cas, sizeBytes: number): Promise<Digest> {
  const { digest, data } = randomBlob(sizeBytes);
  await cas.write(digest, data);
  return digest;
}

async function putMany(cas: Cas, count: number, sizeBytes: number): Promise<Digest[]> {
  const digests: Digest[] = [];
  for (let i = 0; i < count; i++) digests.push(await putRandom(cas, sizeBytes));
  return digests;
}

/** A live action with two directories and three files. */
async function putLiveAction(cas: Cas, fileBytes: number): Promise<{ action: Digest; all: Digest[] }> {
  const files = await putMany(cas, 3, fileBytes);
  const [a, b, c] = files;
  assert.ok(a && b && c);
  const sub = await putDirectory(cas, { files: { a, b } });
  const root = await putDirectory(cas, { files: { c }, directories: { sub } });
  const { action, command } = await putAction(cas, root, "live");
  return { action, all: [...files, sub, root, action, command] };
}

test("evicts what was used longest ago, down to nine tenths", async (t) => {
  const { cas, directory } = await openCas(t, { maxBytes: 100_000 });
  const digests = await putMany(cas, 100, 1000);
  const used = digests.slice(0, 5);
  assert.deepEqual(await cas.findMissing(used), []);
  digests.push(await putRandom(cas, 1000));
  assert.deepEqual(await cas.findMissing(digests), digests.slice(5, 15));
  await until(() => cas.stats().bytes === 91_000, "what was evicted to be removed");
  assert.equal((await blobFiles(directory)).length, 91);
});

test("remembers over a restart what was used longest ago", async (t) => {
  const { cas, directory, reopen } = await openCas(t, { maxBytes: 10_000 });
  const digests = await putMany(cas, 10, 1000);
  for (const [i, digest] of digests.entries()) await utimes(blobPath(directory, digest), 1000 - i, 1000 - i);
  const again = await reopen();
  await putRandom(again, 1000);
  assert.deepEqual(await again.findMissing(digests), digests.slice(9));
});

test("shrinks at the first write after its size was lowered", async (t) => {
  const { cas, reopen } = await openCas(t, { maxBytes: 100_000 });
  const digests = await putMany(cas, 50, 1000);
  const smaller = await reopen({ maxBytes: 20_000 });
  assert.equal(smaller.stats().bytes, 50_000);
  digests.push(await putRandom(smaller, 1000));
  await until(() => smaller.stats().bytes === 19_000, "what was evicted to be removed");
  assert.equal((await smaller.findMissing(digests)).length, 32);
});

test("makes room for a blob that is larger than what it keeps free", async (t) => {
  const { cas } = await openCas(t, { maxBytes: 10_000 });
  await putMany(cas, 10, 1000);
  await putRandom(cas, 9500);
  assert.deepEqual(cas.stats(), { blobs: 1, bytes: 9500, maxBytes: 10_000 });
});

test("never evicts what a live action needs", async (t) => {
  const live: Digest[] = [];
  const { cas } = await openCas(t, { maxBytes: 100_000, liveActions: async () => live });
  const { action, all } = await putLiveAction(cas, 10_000);
  live.push(action);
  for (let i = 0; i < 80; i++) await putRandom(cas, 5000);
  assert.deepEqual(await cas.findMissing(all), []);
  live.length = 0;
  await putMany(cas, 30, 5000);
  assert.deepEqual(await cas.findMissing(all), all);
});

test("refuses a blob that fits nowhere beside what live actions need, and leaves nothing of it", async (t) => {
  const live: Digest[] = [];
  const { cas, directory } = await openCas(t, { maxBytes: 100_000, liveActions: async () => live });
  const { action, all } = await putLiveAction(cas, 30_000);
  live.push(action);
  await putRandom(cas, 5000);
  const { digest, data } = randomBlob(20_000);
  await assertStatus(cas.write(digest, data), Code.ResourceExhausted, "CAS_FULL");
  const upload = await cas.openUpload("id", digest);
  await assertStatus(upload.write(data), Code.ResourceExhausted, "CAS_FULL");
  assert.deepEqual(await cas.findMissing([...all, digest]), [digest]);
  assert.equal((await blobFiles(directory)).length, all.length);
  assert.deepEqual(await uploadFiles(directory), []);
  live.length = 0;
  await cas.write(digest, data);
  assert.equal(await cas.has(digest), true);
});

test("skips live actions that are incomplete or malformed", async (t) => {
  const live: Digest[] = [];
  const { cas } = await openCas(t, { maxBytes: 50_000, liveActions: async () => live });
  const good = await putLiveAction(cas, 1000);
  const noRoot = await putAction(cas, randomBlob(10).digest, "no root");
  live.push(await putRandom(cas, 100), randomBlob(10).digest, noRoot.action, good.action);
  await putMany(cas, 50, 5000);
  assert.deepEqual(await cas.findMissing([...good.all, noRoot.action, noRoot.command]), []);
});

test("keeps what is used while it asks which actions are live, for a later one may need it", async (t) => {
  const asked = Promise.withResolvers<void>();
  const answers: Promise<Digest[]>[] = [];
  const liveActions = () => {
    asked.resolve();
    return answers.shift() ?? assert.fail("asked too often");
  };
  const { cas } = await openCas(t, { maxBytes: 10_000, liveActions });
  const { action, all } = await putLiveAction(cas, 1000);
  const others = await putMany(cas, 5, 1000);
  const first = Promise.withResolvers<Digest[]>();
  answers.push(first.promise, Promise.resolve([action]), Promise.resolve([action]));
  const write = assertStatus(putRandom(cas, 9000), Code.ResourceExhausted, "CAS_FULL");
  await asked.promise;
  assert.deepEqual(await cas.findMissing(all), []);
  first.resolve([]);
  await write;
  assert.deepEqual(await cas.findMissing([...all, ...others]), others);
});

test("refuses to store while it cannot learn which actions are live", async (t) => {
  let up = false;
  const liveActions = async () => {
    if (!up) throw unavailable("the store is away", 10);
    return [];
  };
  const { cas } = await openCas(t, { maxBytes: 10_000, liveActions });
  await putMany(cas, 10, 1000);
  await assertStatus(putRandom(cas, 1000), Code.Unavailable);
  up = true;
  await putRandom(cas, 1000);
  assert.equal(cas.stats().bytes, 10_000);
});

test("gives up idle partial uploads when blobs alone do not make room", async (t) => {
  const { cas, directory } = await openCas(t, { maxBytes: 10_000 });
  const [idle, active] = [randomBlob(6000), randomBlob(6000)];
  {
    await using upload = await cas.openUpload("idle", idle.digest);
    await upload.write(idle.data.subarray(0, 5000));
  }
  await using upload = await cas.openUpload("active", active.digest);
  await upload.write(active.data.subarray(0, 4000));
  await upload.write(active.data.subarray(4000));
  await upload.finish();
  assert.equal((await cas.uploadStatus("idle", idle.digest)).committedSize, 0);
  assert.deepEqual(await uploadFiles(directory), []);
  assert.deepEqual(cas.stats(), { blobs: 1, bytes: 6000, maxBytes: 10_000 });
});

test("lets an open read go on while its blob is evicted", async (t) => {
  const { cas } = await openCas(t, { maxBytes: 3_000_000 });
  const { digest, data } = randomBlob(1_000_000);
  await cas.write(digest, data);
  const chunks = cas.read(digest, { offset: 0, limit: undefined })[Symbol.asyncIterator]();
  const first = await chunks.next();
  await putMany(cas, 5, 1_000_000);
  assert.equal(await cas.has(digest), false);
  const rest = await collect({ [Symbol.asyncIterator]: () => chunks });
  assert.ok(Buffer.concat([first.value, rest]).equals(data));
});

test("stays within its size and keeps its books under pressure from all sides", async (t) => {
  const live: Digest[] = [];
  const maxBytes = 300_000;
  const { cas, directory, reopen } = await openCas(t, { maxBytes, liveActions: async () => live });
  const { action, all } = await putLiveAction(cas, 20_000);
  live.push(action);
  const blobs = Array.from({ length: 60 }, (_, i) => randomBlob(1 + ((i * 997) % 20_000)));
  let mostBytes = 0;
  const client = async (id: number) => {
    for (let i = 0; i < 80; i++) {
      const blob = blobs[(id * 31 + i * 7) % blobs.length];
      assert.ok(blob);
      if ((id + i) % 3 === 0) {
        await using upload = await cas.openUpload(`${id} ${i}`, blob.digest);
        await upload.write(blob.data.subarray(0, 5000));
        await upload.write(blob.data.subarray(5000));
        if (i % 5 > 0) await upload.finish();
      } else {
        await cas.write(blob.digest, blob.data);
      }
      mostBytes = Math.max(mostBytes, cas.stats().bytes);
      assert.deepEqual(await cas.findMissing(all), []);
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, id) => client(id)));
  assert.ok(mostBytes <= maxBytes, `${mostBytes}`);
  const again = await reopen();
  assert.deepEqual(again.stats(), cas.stats());
  assert.equal((await blobFiles(directory)).length, cas.stats().blobs);
  for (const { digest, data } of blobs) {
    if (await again.has(digest)) assert.ok(Buffer.from(data).equals(await again.readAll(digest, 20_000)));
  }
});
