import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { ActionResultSchema, TreeSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { Digest } from "../../src/base/digests.ts";
import { silentLog } from "../../src/base/log.ts";
import { fromDigest } from "../../src/base/wire-digests.ts";
import { type ActionCache, createActionCache } from "../../src/cas/cas.ts";
import { fakeClock } from "../helpers/fake-clock.ts";
import { backends, openStore } from "../helpers/open-store.ts";
import { blobOf, openCas, put, putDirectory, testOfFiles } from "./fixtures.ts";

const MAX_BYTES = 1_000_000;

async function openActionCache(t: TestContext, maxEntries = 100) {
  const { cas } = await openCas(t, { maxBytes: MAX_BYTES });
  const store = await openStore(t, backends[0]);
  const clock = fakeClock();
  const open = (instance: string) => createActionCache({ store, cas, instance, clock, maxEntries, log: silentLog });
  return { cas, store, clock, open, cache: open("main") };
}

function actionOf(name: string): Digest {
  return blobOf(`action ${name}`).digest;
}

async function putResult(cache: ActionCache, name: string, result: MessageInitShape<typeof ActionResultSchema>) {
  await cache.put(actionOf(name), create(ActionResultSchema, result));
}

test("gives back the result that was put last, of its own instance", async (t) => {
  const { cas, cache, open } = await openActionCache(t);
  const file = { path: "out/a", digest: fromDigest(await put(cas, "a")), isExecutable: true };
  await putResult(cache, "one", { exitCode: 1 });
  await putResult(cache, "one", { outputFiles: [file], stdoutRaw: Buffer.from("hi") });
  const result = await cache.get(actionOf("one"));
  assert.deepEqual(result?.outputFiles[0]?.path, "out/a");
  assert.equal(`${Buffer.from(result.stdoutRaw)}`, "hi");
  assert.equal(await cache.get(actionOf("two")), undefined);
  assert.equal(await open("other").get(actionOf("one")), undefined);
});

test("misses, and forgets the result, once anything that it refers to is gone", async (t) => {
  const { cas, cache, store, clock } = await openActionCache(t);
  const here = fromDigest(await put(cas, "here"));
  const gone = fromDigest(blobOf("gone").digest);
  const treeOf = async (top: typeof here, below: typeof here) => {
    const message = create(TreeSchema, {
      root: { files: [{ name: "top", digest: top }] },
      children: [{ files: [{ name: "below", digest: below }] }],
    });
    return { path: "d", treeDigest: fromDigest(await put(cas, toBinary(TreeSchema, message))) };
  };
  const rootOf = async (file: Digest) => {
    const sub = await putDirectory(cas, { files: { file } });
    return { path: "d", rootDirectoryDigest: fromDigest(await putDirectory(cas, { directories: { sub } })) };
  };
  const complete: MessageInitShape<typeof ActionResultSchema>[] = [
    { outputFiles: [{ path: "f", digest: here }], stdoutDigest: here, stderrDigest: here },
    { outputDirectories: [await treeOf(here, here)] },
    { outputDirectories: [await rootOf(blobOf("here").digest)] },
    { outputDirectories: [{ ...(await treeOf(here, here)), ...(await rootOf(blobOf("here").digest)) }] },
    { outputFiles: [{ path: "empty", digest: fromDigest(blobOf("").digest) }] },
    { outputSymlinks: [{ path: "l", target: "anywhere" }] },
  ];
  const broken: MessageInitShape<typeof ActionResultSchema>[] = [
    { outputFiles: [{ path: "f", digest: gone }] },
    { stdoutDigest: gone },
    { stderrDigest: gone },
    { outputDirectories: [{ path: "d", treeDigest: gone }] },
    { outputDirectories: [await treeOf(gone, here)] },
    { outputDirectories: [await treeOf(here, gone)] },
    { outputDirectories: [{ path: "d", rootDirectoryDigest: gone }] },
    { outputDirectories: [await rootOf(blobOf("gone").digest)] },
    { outputDirectories: [{ ...(await treeOf(here, here)), rootDirectoryDigest: gone }] },
    { outputDirectories: [{ path: "d", treeDigest: here }] },
    { outputDirectories: [{ path: "neither" }] },
    { outputFiles: [{ path: "no digest" }] },
    { outputFiles: [{ path: "bad digest", digest: { hash: "x", sizeBytes: 1n } }] },
  ];
  for (const [i, result] of [...complete, ...broken].entries()) {
    await putResult(cache, `${i}`, result);
    for (let times = 0; times < 2; times++) {
      assert.equal((await cache.get(actionOf(`${i}`))) !== undefined, i < complete.length, `result ${i}`);
    }
    const kept = await store.getActionResult("main", actionOf(`${i}`), clock.now());
    assert.equal(kept !== undefined, i < complete.length, `result ${i}`);
  }
});

testOfFiles("misses once the CAS has evicted an output, and keeps what is asked for from being evicted", async (t) => {
  const { cas, cache } = await openActionCache(t);
  const [used, unused] = [await put(cas, "a".repeat(1000)), await put(cas, "b".repeat(1000))];
  await putResult(cache, "used", { stdoutDigest: fromDigest(used) });
  await putResult(cache, "unused", { stdoutDigest: fromDigest(unused) });
  for (let i = 0; i < 30; i++) {
    await put(cas, Buffer.alloc(MAX_BYTES / 20, i + 1));
    assert.ok(await cache.get(actionOf("used")));
  }
  assert.equal(await cache.get(actionOf("unused")), undefined);
});

test("takes bytes that are no ActionResult for a miss", async (t) => {
  const { cache, store, clock } = await openActionCache(t);
  await store.putActionResult("main", actionOf("x"), Buffer.from("\xff\xff"), clock.now());
  assert.equal(await cache.get(actionOf("x")), undefined);
  assert.equal(await store.getActionResult("main", actionOf("x"), clock.now()), undefined);
});

test("keeps the number of results bounded, the most recently used ones", async (t) => {
  const { cache, store, clock } = await openActionCache(t, 10);
  for (let i = 0; i < 30; i++) {
    await putResult(cache, `${i}`, { exitCode: i });
    await clock.advance(3_600_000);
  }
  await cache.get(actionOf("3"));
  for (let i = 0; i < 1000; i++) await cache.get(actionOf("nothing"));
  assert.equal(await store.pruneActionResults("main", 10), 0);
  assert.equal((await cache.get(actionOf("3")))?.exitCode, 3);
  assert.equal(await cache.get(actionOf("4")), undefined);
  assert.equal((await cache.get(actionOf("29")))?.exitCode, 29);
});

test("survives a store that cannot prune", async (t) => {
  const { cas, store, clock } = await openActionCache(t);
  const failing = {
    getActionResult: store.getActionResult.bind(store),
    putActionResult: store.putActionResult.bind(store),
    deleteActionResult: store.deleteActionResult.bind(store),
    pruneActionResults: () => Promise.reject(new Error("busy")),
  };
  const options = { store: failing, cas, instance: "main", clock, maxEntries: 1, log: silentLog };
  const cache = createActionCache(options);
  await putResult(cache, "x", { exitCode: 7 });
  assert.equal((await cache.get(actionOf("x")))?.exitCode, 7);
});
