import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { systemClock } from "../../src/base/clock.ts";
import { Code } from "../../src/base/errors.ts";
import { type Logger, silentLog } from "../../src/base/log.ts";
import { type Cas, createGrpcCas, type GrpcCasOptions } from "../../src/cas/cas.ts";
import { startRelay } from "../helpers/relay.ts";
import { startServer } from "../helpers/start-server.ts";
import { assertStatus, blobFiles, blobPath, collect, randomBlob, temporaryDirectory } from "./fixtures.ts";

const MIB = 1024 * 1024;
const whole = { offset: 0, limit: undefined };

async function open(t: TestContext, url: string, wish: Partial<GrpcCasOptions> = {}, log: Logger = silentLog) {
  let cas: Cas | undefined;
  t.after(() => cas?.[Symbol.asyncDispose]());
  const directory = await temporaryDirectory(t);
  const cache = { directory, maxBytes: 128 * MIB, maxBlobBytes: 64 * MIB, clock: systemClock, log };
  cas = await createGrpcCas({ url, instance: "main", presenceTtlMs: 0, cache, ...wish });
  return { cas, directory };
}

test("refuses to start, in words, with an instance that the other server does not have or that has no CAS", async (t) => {
  const { url } = await startServer(t, { instances: '["main", {name: bare, services: [operations, capabilities]}]' });
  await assert.rejects(
    open(t, url, { instance: "nowhere" }),
    /^Error: cas\.grpc: cannot use instance "nowhere" at http/,
  );
  await assert.rejects(open(t, url, { instance: "bare" }), /^Error: cas\.grpc: .*it has no CAS/);
});

test("starts while nobody answers, says UNAVAILABLE with a delay, and goes on by itself", async (t) => {
  const lines: string[] = [];
  const keep = (_: object, message: string) => void lines.push(message);
  const { url, dataDir, app } = await startServer(t, {});
  await app.close();
  const { cas } = await open(t, url, {}, { debug: () => {}, info: keep, warn: keep, error: keep });
  const { digest, data } = randomBlob(1000);
  for (const call of [() => cas.has(digest), () => cas.write(digest, data)]) {
    const error = await assertStatus(call(), Code.Unavailable);
    assert.equal(error.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds, 2n);
  }
  await startServer(t, { "data-dir": dataDir, listen: new URL(url).host });
  await cas.write(digest, data);
  assert.equal(await cas.has(digest), true);
  const [fails, works] = ["the remote store of the blobs fails", "the remote store of the blobs works again"];
  assert.deepEqual(lines, [fails, works]);
});

test("resumes what a broken connection cut, both ways", async (t) => {
  const { url } = await startServer(t);
  await using relay = await startRelay(Number(new URL(url).port));
  const { cas } = await open(t, `grpc://127.0.0.1:${relay.port}`);
  const { digest, data } = randomBlob(20 * MIB);
  relay.cut({ connections: 1, afterBytes: 5 * MIB, from: "client" });
  {
    await using upload = await cas.openUpload("id", digest);
    await upload.write(data);
    await upload.finish();
  }
  assert.equal(relay.cutsLeft, 0);
  const { cas: other } = await open(t, `grpc://127.0.0.1:${relay.port}`);
  relay.cut({ connections: 2, afterBytes: 5 * MIB, from: "server" });
  const before = relay.bytesDown;
  assert.ok((await collect(other.read(digest, whole))).equals(data));
  assert.equal(relay.cutsLeft, 0);
  // What was on the way when the connection broke comes again.
  assert.ok(relay.bytesDown - before < 36 * MIB, `${relay.bytesDown - before} bytes were received`);
});

test("serves nothing that is not the blob, and tells who asks that it is missing", async (t) => {
  const { url, dataDir } = await startServer(t);
  const { digest, data } = randomBlob(300_000);
  await (await open(t, url)).cas.write(digest, data);
  const path = blobPath(join(dataDir, "instances", "main", "cas"), digest);
  const stored = await readFile(path);
  stored.writeUInt8(stored.readUInt8(200_000) ^ 1, 200_000);
  await writeFile(path, stored);
  const { cas, directory } = await open(t, url);
  await assertStatus(collect(cas.read(digest, { offset: 0, limit: 10 })), Code.NotFound);
  assert.deepEqual(await blobFiles(directory), []);
  assert.equal(await cas.has(digest), false);
});

test("asks about more blobs than fit into one message", async (t) => {
  const { url } = await startServer(t);
  const { cas } = await open(t, url);
  const { digest, data } = randomBlob(10);
  await cas.write(digest, data);
  const gone = Array.from({ length: 20_000 }, (_, i) => ({ ...digest, hash: i.toString(16).padStart(64, "0") }));
  assert.equal((await cas.findMissing([...gone, digest])).length, 20_000);
});
