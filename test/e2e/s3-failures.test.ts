import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { promisify } from "node:util";
import {
  DeleteObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import type { Digest } from "../../src/base/digests.ts";
import { Code } from "../../src/base/errors.ts";
import { type Logger, silentLog } from "../../src/base/log.ts";
import { type Cas, createS3Cas, loadAction, type S3CasOptions } from "../../src/cas/cas.ts";
import { openS3Store } from "../../src/cas/s3/s3-store.ts";
import {
  assertStatus,
  type Blob,
  blobFiles,
  blobOf,
  collect,
  put,
  putAction,
  putDirectory,
  randomBlob,
  temporaryDirectory,
} from "../cas/fixtures.ts";
import { credentials, type S3Server, startS3 } from "../helpers/ceph.ts";
import { isInstalled, requireEngine } from "../helpers/e2e-engines.ts";
import { fakeClock } from "../helpers/fake-clock.ts";
import { startRelay } from "../helpers/relay.ts";
import { until } from "../helpers/until.ts";

const MIB = 1024 * 1024;
const whole = { offset: 0, limit: undefined };
const prefix = `${randomUUID()}/`;
let server: S3Server;
let bucket: string;

/** What a test chooses; the rest is one prefix in one bucket, and a cache of its own. */
interface Wish extends Partial<Omit<S3CasOptions, "cache">> {
  readonly clock?: Clock;
  readonly log?: Logger;
}

interface Opened {
  readonly cas: Cas;
  readonly directory: string;
}

async function open(t: TestContext, wish: Wish = {}): Promise<Opened> {
  const { clock = systemClock, log = silentLog, ...settings } = wish;
  let cas: Cas | undefined;
  t.after(() => cas?.[Symbol.asyncDispose]());
  const directory = await temporaryDirectory(t);
  cas = await createS3Cas({
    ...{ bucket, prefix, endpoint: server.endpoint, region: "", addressing: "auto", expiryMs: 0 },
    presenceTtlMs: 60_000,
    ...settings,
    cache: { directory, maxBytes: 256 * MIB, maxBlobBytes: 128 * MIB, clock, log },
  });
  return { cas, directory };
}

function target({ hash, sizeBytes }: Digest): { Bucket: string; Key: string } {
  return { Bucket: bucket, Key: `${prefix}blobs/sha256/${hash.slice(0, 2)}/${hash}-${sizeBytes}` };
}

async function isInBucket(digest: Digest): Promise<boolean> {
  const { Bucket, Key } = target(digest);
  const { KeyCount } = await server.client.send(new ListObjectsV2Command({ Bucket, Prefix: Key }));
  return KeyCount === 1;
}

async function upload(cas: Cas, id: string, { digest, data }: Blob): Promise<void> {
  await using sent = await cas.openUpload(id, digest);
  await sent.write(data.subarray(sent.committedSize));
  await sent.finish();
}

/** Keeps the messages of warnings and errors. */
function keepingLog(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const keep = (_: object, message: string) => void lines.push(message);
  return { lines, debug: () => {}, info: keep, warn: keep, error: keep };
}

/** A test that needs the server. */
function onS3(title: string, run: (t: TestContext) => Promise<void>): void {
  test(title, async (t) => {
    if (requireEngine(t, "radosgw")) await run(t);
  });
}

if (isInstalled("radosgw")) {
  server = await startS3();
  after(() => server[Symbol.asyncDispose]());
  process.env.AWS_ACCESS_KEY_ID = credentials.accessKeyId;
  process.env.AWS_SECRET_ACCESS_KEY = credentials.secretAccessKey;
  bucket = await server.createBucket();
}

onS3("starts while nobody answers, says UNAVAILABLE with a delay, and goes on by itself", async (t) => {
  await server.kill();
  const log = keepingLog();
  const { cas } = await open(t, { log });
  const blob = randomBlob(1000);
  const calls = [
    () => cas.has(blob.digest),
    () => cas.write(blob.digest, blob.data),
    () => collect(cas.read(blobOf("x").digest, whole)),
  ];
  for (const call of calls) {
    const error = await assertStatus(call(), Code.Unavailable);
    assert.equal(error.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds, 2n);
  }
  await server.restart();
  await cas.write(blob.digest, blob.data);
  assert.equal(await cas.has(blob.digest), true);
  assert.deepEqual(log.lines, ["the remote store of the blobs fails", "the remote store of the blobs works again"]);
});

onS3("says in the log and to clients that it is denied access", async (t) => {
  const log = keepingLog();
  process.env.AWS_SECRET_ACCESS_KEY = "revoked";
  t.after(() => {
    process.env.AWS_SECRET_ACCESS_KEY = credentials.secretAccessKey;
  });
  await using store = openS3Store({ ...storeSettings(), log });
  const error = await assertStatus(store.find([blobOf("x").digest]), Code.Unavailable);
  assert.match(error.message, /denies the server access/);
  assert.deepEqual(log.lines, ["the remote store of the blobs denies access"]);
});

onS3(
  "has nothing of an upload under the blob's name when S3 dies, keeps what it received, and finishes later",
  async (t) => {
    const { cas } = await open(t);
    const blob = randomBlob(100 * MIB);
    const failed = assertStatus(upload(cas, "id", blob), Code.Unavailable);
    const parts = () => server.client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    await until(async () => ((await parts()).Uploads ?? []).length > 0, "the parts are being sent");
    await server.kill();
    await failed;
    await server.restart();
    assert.equal(await isInBucket(blob.digest), false);
    assert.equal(await cas.has(blob.digest), false);
    assert.deepEqual(await cas.uploadStatus("id", blob.digest), { committedSize: 100 * MIB, complete: false });
    await upload(cas, "id", blob);
    assert.deepEqual(await cas.uploadStatus("id", blob.digest), { committedSize: 100 * MIB, complete: true });
    const { cas: other } = await open(t);
    assert.ok((await collect(other.read(blob.digest, whole))).equals(blob.data));
  },
);

onS3("sends again what a broken connection lost, and leaves no parts of what failed", async (t) => {
  await using relay = await startRelay(server.port);
  const { cas } = await open(t, { endpoint: `http://127.0.0.1:${relay.port}` });
  const blob = randomBlob(40 * MIB);
  relay.cut({ connections: 2, afterBytes: 3 * MIB, from: "client" });
  await upload(cas, "id", blob);
  assert.equal(relay.cutsLeft, 0);
  assert.equal(await isInBucket(blob.digest), true);

  await using store = openS3Store(storeSettings());
  const other = randomBlob(20 * MIB);
  const breaking = async function* () {
    yield other.data.subarray(0, 9 * MIB);
    throw new Error("the disk is gone");
  };
  await assert.rejects(store.put(other.digest, breaking));
  const { Uploads = [] } = await server.client.send(
    new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: target(other.digest).Key }),
  );
  assert.deepEqual(Uploads, []);
  assert.equal(await isInBucket(other.digest), false);
});

onS3("resumes a download where the connection broke, once for all who read the blob", async (t) => {
  const blob = randomBlob(30 * MIB);
  await upload((await open(t)).cas, "id", blob);
  await using relay = await startRelay(server.port);
  const { cas, directory } = await open(t, { endpoint: `http://127.0.0.1:${relay.port}` });
  relay.cut({ connections: 2, afterBytes: 10 * MIB, from: "server" });
  const before = relay.bytesDown;
  const ranges = Array.from({ length: 20 }, (_, i) => ({ offset: i * 1_500_000 + 1, limit: 700_000 }));
  const parts = await Promise.all(ranges.map((range) => collect(cas.read(blob.digest, range))));
  for (const [i, { offset, limit }] of ranges.entries()) {
    assert.ok(parts[i]?.equals(blob.data.subarray(offset, offset + limit)), `range ${i}`);
  }
  assert.equal(relay.cutsLeft, 0);
  const received = relay.bytesDown - before;
  assert.ok(received < 36 * MIB, `${received} bytes were received`);
  assert.deepEqual(await blobFiles(directory), [`${blob.digest.hash}-${30 * MIB}`]);
});

onS3("gives up a server that hangs, and goes on when it answers again", async (t) => {
  const { cas } = await open(t, { idleTimeoutMs: 300, presenceTtlMs: 0 });
  const digest = await put(cas, "hanging");
  t.after(() => server.signal("SIGCONT"));
  server.signal("SIGSTOP");
  await assertStatus(cas.has(digest), Code.Unavailable);
  assert.equal(Buffer.from(await cas.readAll(digest, 100)).toString(), "hanging");
  server.signal("SIGCONT");
  assert.equal(await cas.has(digest), true);
});

onS3("serves nothing of an object that is not the blob, takes it for missing, and takes the blob again", async (t) => {
  const writer = (await open(t)).cas;
  const [damaged, cut] = [randomBlob(300_000), randomBlob(300_000)];
  for (const blob of [damaged, cut]) await upload(writer, "id", blob);
  const wrong = Buffer.from(damaged.data);
  wrong.writeUInt8(wrong.readUInt8(299_999) ^ 1, 299_999);
  await server.client.send(new PutObjectCommand({ ...target(damaged.digest), Body: wrong }));
  await server.client.send(new PutObjectCommand({ ...target(cut.digest), Body: cut.data.subarray(1) }));
  const log = keepingLog();
  const { cas, directory } = await open(t, { log });
  for (const { digest, data } of [damaged, cut]) {
    await assertStatus(collect(cas.read(digest, { offset: 0, limit: 10 })), Code.NotFound);
    await assertStatus(cas.readAll(digest, 300_000), Code.NotFound);
    assert.equal(await cas.has(digest), false);
    assert.ok(!(await blobFiles(directory)).includes(`${digest.hash}-300000`));
    await cas.write(digest, data);
    assert.equal(await cas.has(digest), true);
    const { cas: other } = await open(t);
    assert.ok((await collect(other.read(digest, whole))).equals(data));
  }
  assert.deepEqual(log.lines, ["a blob in the remote store is damaged"]);
});

onS3("takes a blob for there for a short while, then asks; an action in the cache alone is missing", async (t) => {
  const clock = fakeClock();
  const { cas } = await open(t, { clock });
  const root = await putDirectory(cas, { files: { a: await put(cas, randomUUID()) } });
  const { action, command } = await putAction(cas, root, randomUUID());
  await server.client.send(new DeleteObjectCommand(target(command)));
  assert.equal(await cas.has(command), true);
  await clock.advance(60_000);
  assert.equal(await cas.has(command), false);
  assert.deepEqual(await loadAction(cas, action), { missing: [command] });
});

onS3("asks the bucket about thousands of blobs at once", async (t) => {
  const { cas } = await open(t);
  const here = await Promise.all(Array.from({ length: 300 }, (_, i) => put(cas, `${randomUUID()} ${i}`)));
  const { cas: other } = await open(t);
  const gone = Array.from({ length: 700 }, () => randomBlob(20).digest);
  const asked = [...here, ...gone, ...here, blobOf("").digest];
  const [first, second] = await Promise.all([other.findMissing(asked), other.findMissing(asked)]);
  assert.deepEqual(first, gone);
  assert.deepEqual(second, gone);
});

onS3("renews what is used and soon expires", async (t) => {
  const { cas } = await open(t);
  const digest = await put(cas, randomUUID());
  const modified = async () =>
    (await server.client.send(new HeadObjectCommand(target(digest)))).LastModified?.getTime() ?? 0;
  const first = await modified();
  const DAY_MS = 86_400_000;
  const inDays = (days: number): Clock => ({ ...systemClock, now: () => Date.now() + days * DAY_MS });
  const later = async (days: number) => (await open(t, { clock: inDays(days), expiryMs: 10 * DAY_MS })).cas;
  assert.equal(await (await later(4)).has(digest), true);
  assert.equal(await modified(), first);
  // S3 counts in seconds.
  await until(() => Date.now() > first + 2000, "two seconds to pass");
  assert.equal(await (await later(6)).has(digest), true);
  assert.ok((await modified()) > first);
  assert.ok(await (await later(0)).readAll(digest, 100));
});

onS3("streams a large blob in and out in bounded memory", async (t) => {
  const directory = await temporaryDirectory(t);
  const child = join(import.meta.dirname, "../helpers/s3-stream.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [child, bucket, server.endpoint, directory]);
  t.diagnostic(stdout.trim());
  const facts = JSON.parse(stdout);
  assert.equal(facts.same, true);
  assert.ok(facts.maxRssKiB < 280 * 1024, `took ${facts.maxRssKiB} KiB`);
});

function storeSettings() {
  return {
    ...{ bucket, prefix, endpoint: server.endpoint, region: "", addressing: "auto" as const, expiryMs: 0 },
    ...{ clock: systemClock, log: silentLog as Logger },
  };
}
