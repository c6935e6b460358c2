import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { digestOf } from "../../src/base/digests.ts";
import type { Cas } from "../../src/cas/cas.ts";
import { numberedBlob } from "./children.ts";
import { blobFiles, openCas, temporaryDirectory, uploadFiles } from "./fixtures.ts";

const CHILD = join(import.meta.dirname, "children.ts");
const run = promisify(execFile);

/** Starts a child that stores from `first` on; kills it at some moment and answers what it acknowledged. */
async function storeAndKill(t: TestContext, directory: string, first: number): Promise<number[]> {
  const child: ChildProcess = spawn(process.execPath, [CHILD, "store", directory, `${first}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  assert.ok(child.stdout);
  const acknowledged: number[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => acknowledged.push(JSON.parse(line)));
  await once(lines, "line");
  await sleep(Math.random() * 150);
  const closed = once(lines, "close");
  child.kill("SIGKILL");
  await closed;
  return acknowledged;
}

async function resume(cas: Cas, number: number): Promise<number> {
  const { digest, data } = numberedBlob(number);
  await using upload = await cas.openUpload(`upload ${number}`, digest);
  const held = upload.committedSize;
  await upload.write(data.subarray(held));
  await upload.finish();
  return held;
}

test("has every blob that it acknowledged before it was killed, and resumes the uploads", async (t) => {
  const { cas: first, directory, reopen } = await openCas(t, { maxBytes: 1024 * 1024 * 1024 });
  await first[Symbol.asyncDispose]();
  let next = 0;
  for (let round = 0; round < 4; round++) {
    const acknowledged = await storeAndKill(t, directory, next);
    const cas = await reopen({ maxBytes: 1024 * 1024 * 1024 });
    for (const number of acknowledged) {
      const { digest, data } = numberedBlob(number);
      assert.ok(Buffer.from(data).equals(await cas.readAll(digest, 300_000)), `blob ${number}`);
    }
    const partial = await uploadFiles(directory);
    for (const name of partial) assert.match(name, /^[0-9a-f]{64}\.part$/);
    const last = Math.max(...acknowledged) + 5;
    const unfinished = Array.from({ length: last - next }, (_, i) => next + i).filter((number) => number % 2);
    let resumed = 0;
    for (const number of unfinished) {
      const { digest } = numberedBlob(number);
      if (!(await cas.has(digest)) && (await resume(cas, number)) > 0) resumed++;
    }
    assert.ok(resumed <= partial.length);
    assert.deepEqual(await uploadFiles(directory), []);
    await cas[Symbol.asyncDispose]();
    next = last;
  }
  const cas = await reopen();
  for (const name of await blobFiles(directory)) {
    const [hash = "", size] = name.split("-");
    const digest = { ...digestOf(Buffer.from("")), hash, sizeBytes: Number(size) };
    assert.equal(digestOf(await cas.readAll(digest, 300_000)).hash, hash);
  }
});

test("streams a large blob in and out in constant memory", async (t) => {
  const directory = await temporaryDirectory(t);
  const { stdout } = await run(process.execPath, [CHILD, "stream", directory]);
  const facts = JSON.parse(stdout);
  t.diagnostic(stdout.trim());
  assert.equal(facts.same, true);
  assert.ok(facts.grownKiB < 128 * 1024, `grew by ${facts.grownKiB} KiB`);
});

test("answers RESOURCE_EXHAUSTED when the disk is full, leaves nothing and goes on", async (t) => {
  const directory = await temporaryDirectory(t);
  const inNamespace = ["--user", "--map-root-user", "--mount", "sh", "-c"];
  const mount = `mount -t tmpfs -o size=2500k,mode=700 tmpfs "$0"`;
  const allowed = await run("unshare", [...inNamespace, mount, directory]).then(
    () => true,
    () => false,
  );
  if (!allowed) return t.skip("no user namespaces here to mount a small disk in");
  const script = `${mount} && exec "$1" "$2" fill "$0"`;
  const { stdout } = await run("unshare", [...inNamespace, script, directory, process.execPath, CHILD]);
  assert.deepEqual(JSON.parse(stdout), {
    written: "ResourceExhausted",
    uploaded: "ResourceExhausted",
    left: [],
    after: "OK",
    readable: true,
    bytes: 1024 * 1024 + 1000,
  });
});
