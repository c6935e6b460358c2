import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { blobSource, inlineSource, type ReadCall, readPart, readWhole } from "../../dashboard/src/cas/blob-source.ts";
import { contentKind, hexDump } from "../../dashboard/src/cas/content-kind.ts";
import { fileName } from "../../dashboard/src/cas/file-name.ts";
import { readName } from "../../dashboard/src/cas/resource-names.ts";
import { sha256 } from "../../dashboard/src/cas/sha256.ts";
import { createTextLoad, FIRST_PIECE } from "../../dashboard/src/cas/text-load.ts";
import { readTree } from "../../dashboard/src/cas/tree-message.ts";
import {
  DigestFunction_Value,
  DirectorySchema,
  TreeSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { ReadResponseSchema } from "../../gen/google/bytestream/bytestream_pb.ts";
import { parseReadName } from "../../src/cas/resource-names.ts";
import { until } from "../helpers/until.ts";

const { signal } = new AbortController();
const hashOf = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");

/** Reads of one blob, in chunks of 1000 bytes, and what was asked for. */
function server(content: Uint8Array): { read: ReadCall; asked: [offset: number, limit: number][] } {
  const asked: [number, number][] = [];
  const read: ReadCall = async function* ({ readOffset, readLimit }) {
    asked.push([Number(readOffset), Number(readLimit)]);
    const part = content.subarray(Number(readOffset), Number(readOffset + readLimit));
    for (let at = 0; at < part.byteLength; at += 1000) {
      yield create(ReadResponseSchema, { data: part.subarray(at, at + 1000) });
    }
  };
  return { read, asked };
}

test("the server understands the names that blobs are read by", () => {
  const digest = { hash: "a".repeat(64), sizeBytes: 12n };
  for (const instance of ["", "main", "release/linux"]) {
    const name = readName({ instance, digestFunction: DigestFunction_Value.SHA256 }, digest);
    const parsed = parseReadName(name);
    assert.deepEqual([parsed.instance, parsed.digest.hash, parsed.digest.sizeBytes], [instance, digest.hash, 12]);
  }
});

test("functions that hashes do not tell apart are named", () => {
  const digest = { hash: "abc", sizeBytes: 1n };
  const name = (digestFunction: number) => readName({ instance: "main", digestFunction }, digest);
  assert.equal(name(DigestFunction_Value.BLAKE3), "main/blobs/blake3/abc/1");
  assert.equal(name(DigestFunction_Value.SHA256TREE), "main/blobs/sha256tree/abc/1");
  assert.equal(name(DigestFunction_Value.SHA1), "main/blobs/abc/1");
  assert.equal(name(4711), "main/blobs/abc/1");
});

test("the empty blob is there without being asked for", async () => {
  const { read, asked } = server(new Uint8Array());
  const source = blobSource(read, { instance: "", digestFunction: 1 }, { hash: "e3b0", sizeBytes: 0n });
  assert.equal((await readWhole(source, 100, signal)).byteLength, 0);
  assert.deepEqual(asked, []);
});

test("a part is as long as it is wanted, whatever the server sends", async () => {
  const content = Uint8Array.from({ length: 5000 }, (_, at) => at);
  const { read, asked } = server(content);
  const source = blobSource(read, { instance: "", digestFunction: 1 }, { hash: "aa", sizeBytes: 5000n });
  assert.deepEqual(await readPart(source, { offset: 1500, limit: 2100 }, signal), content.slice(1500, 3600));
  assert.deepEqual(await readPart(source, { offset: 4900, limit: 2100 }, signal), content.slice(4900));
  assert.deepEqual(asked, [
    [1500, 2100],
    [4900, 100],
  ]);
  const generous = {
    size: 10,
    read: () => server(content).read({ resourceName: "", readOffset: 0n, readLimit: 5000n }, { signal }),
  };
  const chunks = {
    size: 10,
    read: async function* () {
      for await (const { data } of generous.read()) yield data;
    },
  };
  assert.equal((await readPart(chunks, { offset: 0, limit: 10 }, signal)).byteLength, 10);
});

test("what is larger than a page reads is refused before it is read", async () => {
  const { read, asked } = server(new Uint8Array());
  const source = blobSource(read, { instance: "", digestFunction: 1 }, { hash: "aa", sizeBytes: 10n ** 15n });
  await assert.rejects(readWhole(source, 1024, signal), (error: ConnectError) => error.code === Code.ResourceExhausted);
  assert.deepEqual(asked, []);
});

test("a long text is loaded by pieces, and a character across two of them is one", async () => {
  const content = new TextEncoder().encode(`${"x".repeat(FIRST_PIECE - 1)}é\n${"line\n".repeat(200_000)}`);
  const { read, asked } = server(content);
  const source = blobSource(
    read,
    { instance: "", digestFunction: 1 },
    { hash: "aa", sizeBytes: BigInt(content.byteLength) },
  );
  const load = createTextLoad(source, "start");
  load.more();
  await until(() => !load.state().loading);
  assert.equal(load.state().loaded, FIRST_PIECE);
  for (let piece = 0; load.state().hasMore && piece < 10; piece += 1) {
    load.more();
    load.more();
    await until(() => !load.state().loading);
  }
  assert.deepEqual(asked.slice(0, 2), [
    [0, FIRST_PIECE],
    [FIRST_PIECE, FIRST_PIECE],
  ]);
  const { rows, loaded } = load.state();
  assert.equal(loaded, content.byteLength);
  assert.equal(rows.filter(({ line }) => line > 0).length, 200_001);
  assert.ok(rows.some(({ text }) => text.endsWith("é")));
  assert.ok(rows.every(({ text }) => !text.includes("\ufffd")));
});

test("the end of a long text is shown without what is before it", async () => {
  const content = new TextEncoder().encode("line\n".repeat(200_000));
  const { read, asked } = server(content);
  const source = blobSource(
    read,
    { instance: "", digestFunction: 1 },
    { hash: "aa", sizeBytes: BigInt(content.byteLength) },
  );
  const load = createTextLoad(source, "end");
  load.more();
  await until(() => !load.state().loading);
  assert.deepEqual(asked, [[content.byteLength - FIRST_PIECE, FIRST_PIECE]]);
  assert.deepEqual(
    [load.state().hasMore, load.state().rows.at(-1)?.text, load.state().rows.at(-1)?.line],
    [false, "line", 0],
  );
});

test("a piece that fails is loaded again", async () => {
  let failing = true;
  const content = new TextEncoder().encode("hello\n");
  const source = {
    size: content.byteLength,
    read: () => {
      if (failing) throw new ConnectError("gone", Code.NotFound);
      return inlineSource(content).read(0, 10, signal);
    },
  };
  const load = createTextLoad(source, "start");
  load.more();
  await until(() => !load.state().loading);
  assert.equal(ConnectError.from(load.state().error).code, Code.NotFound);
  failing = false;
  load.more();
  await until(() => !load.state().loading);
  assert.deepEqual([load.state().error, load.state().rows.length], [undefined, 1]);
});

test("SHA-256 is that of everybody else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
      assert.equal(sha256(data), hashOf(data));
    }),
  );
});

test("the directories of a tree are found by the digests of their bytes as they were written", () => {
  const leaf = toBinary(DirectorySchema, create(DirectorySchema, { files: [{ name: "b.txt" }] }));
  // An unknown field, as another version may write it: decoding and encoding again would move or lose it.
  const odd = Uint8Array.of(0xc2, 0x3e, 0x01, 0x78, ...leaf);
  const root = toBinary(DirectorySchema, create(DirectorySchema, { directories: [{ name: "d" }] }));
  const bytes = toBinary(TreeSchema, create(TreeSchema, {}));
  const field = (number: number, data: Uint8Array) => Uint8Array.of((number << 3) | 2, data.byteLength, ...data);
  const tree = readTree(Uint8Array.of(...bytes, ...field(1, root), ...field(2, odd)), sha256);
  assert.equal(tree.root.directories[0]?.name, "d");
  assert.equal(tree.child(hashOf(odd))?.files[0]?.name, "b.txt");
  assert.equal(tree.child(hashOf(leaf)), undefined);
});

test("content is told by its first bytes", () => {
  const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
  assert.deepEqual(contentKind(bytes("\x89PNG\r\n\x1a\n....")), { kind: "image", mediaType: "image/png" });
  assert.deepEqual(contentKind(bytes("GIF89a...")), { kind: "image", mediaType: "image/gif" });
  assert.deepEqual(contentKind(bytes("RIFF....WEBP")), { kind: "image", mediaType: "image/webp" });
  assert.deepEqual(contentKind(bytes('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>')), { kind: "text" });
  assert.deepEqual(contentKind(bytes("a\0b")), { kind: "binary" });
  assert.deepEqual(contentKind(new TextEncoder().encode("größer 😀").subarray(0, -2)), { kind: "text" });
  assert.deepEqual(contentKind(Uint8Array.from({ length: 500 }, () => 0xfe)), { kind: "binary" });
  assert.equal(hexDump(bytes("ABC\n")), `00000000  ${"41 42 43 0a".padEnd(48)} ABC·`);
});

test("a download is named like the end of its path, and can go nowhere else", () => {
  assert.equal(fileName("out/bin/main.o"), "main.o");
  assert.equal(fileName("../.."), "_");
  assert.equal(fileName("a/.bashrc"), "_bashrc");
  assert.equal(fileName('a/x\u202e"gpj\\.exe'), "x__gpj_.exe");
  assert.equal(fileName(""), "blob");
});
