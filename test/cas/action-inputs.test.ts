import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { ActionSchema, DirectorySchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { Digest } from "../../src/base/digests.ts";
import { Code } from "../../src/base/errors.ts";
import { fromDigest } from "../../src/base/wire-digests.ts";
import { type Cas, loadAction, missingInputs, tree } from "../../src/cas/cas.ts";
import {
  assertStatus,
  type Blob,
  blobOf,
  directoryBlob,
  openCas,
  put,
  putAction,
  putDirectory,
  randomBlob,
} from "./fixtures.ts";

/** Nests directories, each naming the one below under all the names given; answers the topmost. */
async function nest(cas: Cas, levels: number, names: readonly string[]): Promise<Digest> {
  const blobs = [directoryBlob({})];
  for (let i = 0; i < levels; i++) {
    const { digest } = blobs.at(-1) as Blob;
    blobs.push(directoryBlob({ directories: Object.fromEntries(names.map((name) => [name, digest])) }));
  }
  await Promise.all(blobs.map(({ digest, data }) => cas.write(digest, data)));
  return (blobs.at(-1) as Blob).digest;
}

test("loads an action with its command and its input root", async (t) => {
  const { cas } = await openCas(t);
  const root = await putDirectory(cas, { files: { a: await put(cas, "a") } });
  const { action, command } = await putAction(cas, root, "it");
  const loaded = await loadAction(cas, action);
  assert.ok("action" in loaded);
  assert.deepEqual(loaded.command.arguments, ["run", "it"]);
  assert.deepEqual(loaded.inputRoot, root);
  assert.deepEqual(loaded.action.commandDigest?.hash, command.hash);
});

test("tells which of action and command is missing", async (t) => {
  const { cas } = await openCas(t);
  const nowhere = randomBlob(50).digest;
  assert.deepEqual(await loadAction(cas, nowhere), { missing: [nowhere] });
  const root = fromDigest(await putDirectory(cas, {}));
  const message = create(ActionSchema, { commandDigest: fromDigest(nowhere), inputRootDigest: root });
  assert.deepEqual(await loadAction(cas, await put(cas, toBinary(ActionSchema, message))), { missing: [nowhere] });
});

test("refuses actions that are malformed, too large or name no proper digests", async (t) => {
  const { cas } = await openCas(t);
  const encode = (message: Parameters<typeof create<typeof ActionSchema>>[1]) =>
    put(cas, toBinary(ActionSchema, create(ActionSchema, message)));
  const good = fromDigest(await putDirectory(cas, {}));
  await assertStatus(loadAction(cas, await put(cas, "\xff\xff\xff")), Code.InvalidArgument, "MALFORMED_MESSAGE");
  await assertStatus(loadAction(cas, await encode({ inputRootDigest: good })), Code.InvalidArgument);
  const badRoot = await encode({ commandDigest: good, inputRootDigest: { hash: "x", sizeBytes: 1n } });
  await assertStatus(loadAction(cas, badRoot), Code.InvalidArgument);
  const large = await encode({ commandDigest: good, inputRootDigest: good, salt: new Uint8Array(1024 * 1024) });
  await assertStatus(loadAction(cas, large), Code.InvalidArgument, "MESSAGE_TOO_LARGE");
});

test("finds what is missing of an input root, each blob once", async (t) => {
  const { cas } = await openCas(t);
  const [here, gone, goneToo] = [await put(cas, "here"), blobOf("gone").digest, blobOf("gone too").digest];
  const goneDirectory = directoryBlob({ files: { never: blobOf("seen").digest } });
  const sub = await putDirectory(cas, { files: { here, gone }, directories: { empty: blobOf("").digest } });
  const root = await putDirectory(cas, {
    files: { again: gone, goneToo },
    directories: { a: sub, b: sub, c: goneDirectory.digest, d: goneDirectory.digest },
  });
  const hashes = async () => (await missingInputs(cas, root)).map(({ hash }) => hash).sort();
  assert.deepEqual(await hashes(), [gone, goneToo, goneDirectory.digest].map(({ hash }) => hash).sort());
  for (const text of ["gone", "gone too", "seen", goneDirectory.data]) await put(cas, text);
  assert.deepEqual(await hashes(), []);
});

test("does not tell one CAS what another has", async (t) => {
  const [{ cas }, { cas: other }] = [await openCas(t), await openCas(t)];
  const sub = await putDirectory(cas, { files: { secret: blobOf("secret").digest } });
  const root = await putDirectory(cas, { directories: { sub } });
  assert.equal((await missingInputs(cas, root))[0]?.hash, blobOf("secret").digest.hash);
  assert.deepEqual(await missingInputs(other, root), [root]);
  await put(other, directoryBlob({ directories: { sub } }).data);
  assert.deepEqual(
    (await missingInputs(other, root)).map(({ hash }) => hash),
    [sub.hash],
  );
});

test("refuses directories that are malformed", async (t) => {
  const { cas } = await openCas(t);
  const file = { digest: fromDigest(await put(cas, "x")) };
  const bad = [
    { files: [{ name: "a" }] },
    { files: [{ name: "a", digest: { hash: "short", sizeBytes: 1n } }] },
    { files: [{ name: "a", digest: { hash: file.digest.hash, sizeBytes: -1n } }] },
    { files: [{ name: "", ...file }] },
    { files: [{ name: "..", ...file }] },
    { files: [{ name: "a/b", ...file }] },
    { files: [{ name: "a\0", ...file }] },
    { files: [{ name: "a", ...file }], symlinks: [{ name: "a", target: "b" }] },
    { symlinks: [{ name: ".", target: "b" }] },
  ];
  for (const content of bad) {
    const root = await put(cas, toBinary(DirectorySchema, create(DirectorySchema, content)));
    await assertStatus(missingInputs(cas, root), Code.InvalidArgument);
    const above = await putDirectory(cas, { directories: { root } });
    await assertStatus(missingInputs(cas, above), Code.InvalidArgument);
  }
  await assertStatus(missingInputs(cas, await put(cas, "no directory")), Code.InvalidArgument, "MALFORMED_MESSAGE");
});

test("refuses an input root that explodes when it is laid out, and visits it in no time", {
  timeout: 5000,
}, async (t) => {
  const { cas } = await openCas(t);
  const names = ["a", "b", "c", "d"];
  await assertStatus(missingInputs(cas, await nest(cas, 40, names)), Code.InvalidArgument, "TREE_TOO_LARGE");
  assert.deepEqual(await missingInputs(cas, await nest(cas, 9, names)), []);
});

test("refuses an input root that is too deep", async (t) => {
  const { cas } = await openCas(t);
  assert.deepEqual(await missingInputs(cas, await nest(cas, 999, ["a"])), []);
  await assertStatus(missingInputs(cas, await nest(cas, 1000, ["a"])), Code.InvalidArgument, "TREE_TOO_LARGE");
});

test("refuses an input root with a directory that claims to be huge", async (t) => {
  const { cas } = await openCas(t);
  const huge = { ...blobOf("x").digest, sizeBytes: 300 * 1024 * 1024 };
  const root = await putDirectory(cas, { directories: { huge } });
  await assertStatus(missingInputs(cas, root), Code.InvalidArgument, "TREE_TOO_LARGE");
});

test("lists a tree in pages, each directory once, root first", async (t) => {
  const { cas } = await openCas(t);
  const leaves: Digest[] = [];
  for (let i = 0; i < 5; i++) leaves.push(await putDirectory(cas, { files: { [`file ${i}`]: blobOf("x").digest } }));
  const links = Object.fromEntries(leaves.map((leaf, i) => [`${i}`, leaf]));
  const root = await putDirectory(cas, {
    directories: { ...links, again: leaves[0] as Digest, gone: randomBlob(9).digest },
  });
  const list = async (skip: number) => {
    const pages = await Array.fromAsync(tree(cas, root, { pageSize: 2, skip }));
    return pages.map((page) => page.map((each) => each.files[0]?.name ?? `root of ${each.directories.length}`));
  };
  assert.deepEqual(await list(0), [["root of 7"], ["file 0", "file 1"], ["file 2", "file 3"], ["file 4"]]);
  assert.deepEqual(await list(2), [
    ["file 1", "file 2"],
    ["file 3", "file 4"],
  ]);
  assert.deepEqual(await list(6), []);
});

test("answers NOT_FOUND for the tree of a root that is not here, and the empty directory for the empty blob", async (t) => {
  const { cas } = await openCas(t);
  const options = { pageSize: 10 };
  await assertStatus(Array.fromAsync(tree(cas, randomBlob(10).digest, options)), Code.NotFound);
  await assertStatus(Array.fromAsync(tree(cas, randomBlob(10).digest, { ...options, skip: 3 })), Code.NotFound);
  assert.deepEqual(await Array.fromAsync(tree(cas, blobOf("").digest, options)), [[create(DirectorySchema)]]);
});
