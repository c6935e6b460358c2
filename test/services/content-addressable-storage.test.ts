import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import {
  Compressor_Value,
  DigestFunction_Value,
  type DirectoryNodeSchema,
  DirectorySchema,
  type FindMissingBlobsRequestSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { encode, refusal, startGrid, uniqueText, type WireDigest, wireDigest } from "./grid.ts";

const instanceName = "main";
const MAX_BATCH = 4096;
const some = (text = "") => new Uint8Array(Buffer.from(text + uniqueText()));

test("batches of blobs", async (t) => {
  const grid = await startGrid(t, { "cas-max-batch-bytes": `${MAX_BATCH}`, "cas-max-blob-bytes": "8192" });
  const { cas } = grid;
  const [here, there] = [some("here"), some("there")];
  await grid.put(instanceName, here, there);
  const codes = ({ responses }: { responses: { status?: { code: number } | undefined }[] }) =>
    responses.map(({ status }) => status?.code);

  const read = (...digests: WireDigest[]) => cas.batchReadBlobs({ instanceName, digests });

  await t.test("read what is there, each with its own status", async () => {
    const gone = wireDigest(some("gone"));
    const { hash } = wireDigest(here);
    const bad = [
      { hash: "abc", sizeBytes: 3n },
      { hash: hash.toUpperCase(), sizeBytes: 3n },
      { hash, sizeBytes: -1n },
      { hash, sizeBytes: BigInt(here.length + 1) },
    ];
    const result = await read(wireDigest(here), gone, ...bad, wireDigest(""), wireDigest(there));
    const { InvalidArgument, NotFound } = Code;
    const invalid = [InvalidArgument, InvalidArgument, InvalidArgument];
    assert.deepEqual(codes(result), [0, NotFound, ...invalid, NotFound, 0, 0]);
    const data = result.responses.map((response) => Buffer.from(response.data).toString());
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
    assert.deepEqual(data, [text(here), "", "", "", "", "", "", text(there)]);
    assert.deepEqual(result.responses[1]?.digest?.hash, gone.hash);
  });

  await t.test("read a digest as often as it is asked for", async () => {
    const result = await read(wireDigest(here), wireDigest(here));
    assert.deepEqual(codes(result), [0, 0]);
    assert.deepEqual(result.responses[1]?.data, here);
  });

  await t.test("are refused whole above the limit, which negative sizes and repetition do not lift", async () => {
    const large = { hash: "a".repeat(64), sizeBytes: BigInt(MAX_BATCH + 1) };
    const half = { hash: "b".repeat(64), sizeBytes: BigInt(MAX_BATCH / 2 + 1) };
    const below = { hash: "c".repeat(64), sizeBytes: -(2n ** 60n) };
    for (const call of [read(large), read(half, half), read(below, large)]) {
      const error = await refusal(call, Code.InvalidArgument);
      assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "BATCH_TOO_LARGE");
    }
    const data = new Uint8Array(MAX_BATCH / 2 + 1);
    const request = { digest: wireDigest(data), data };
    await refusal(cas.batchUpdateBlobs({ instanceName, requests: [request, request] }), Code.InvalidArgument);
    const { missingBlobDigests } = await cas.findMissingBlobs({ instanceName, blobDigests: [wireDigest(data)] });
    assert.equal(missingBlobDigests.length, 1);
    assert.deepEqual(codes(await read({ hash: "d".repeat(64), sizeBytes: BigInt(MAX_BATCH) })), [Code.NotFound]);
  });

  await t.test("store what matches its digest, each with its own status", async () => {
    const [good, other, twice] = [some("good"), some("other"), some("twice")];
    const zstd = Compressor_Value.ZSTD;
    const result = await cas.batchUpdateBlobs({
      instanceName,
      requests: [
        { digest: wireDigest(good), data: good },
        { digest: { ...wireDigest(good), sizeBytes: 1n }, data: good },
        { digest: wireDigest(other), data: good },
        { data: good },
        { digest: { hash: "xyz", sizeBytes: 1n }, data: other },
        { digest: wireDigest(other), data: other, compressor: zstd },
        { digest: wireDigest(""), data: new Uint8Array() },
        { digest: wireDigest(twice), data: twice },
        { digest: wireDigest(twice), data: twice },
      ],
    });
    const bad = Code.InvalidArgument;
    assert.deepEqual(codes(result), [0, bad, bad, bad, bad, bad, 0, 0, 0]);
    const blobDigests = [good, other, twice].map(wireDigest);
    const { missingBlobDigests } = await cas.findMissingBlobs({ instanceName, blobDigests });
    assert.deepEqual(
      missingBlobDigests.map(({ hash }) => hash),
      [wireDigest(other).hash],
    );
  });

  await t.test("find what is missing, in order; the empty blob never is", async () => {
    const [first, second] = [wireDigest(some()), wireDigest(some())];
    const blobDigests = [second, wireDigest(""), wireDigest(here), first, second];
    const { missingBlobDigests } = await cas.findMissingBlobs({ instanceName, blobDigests });
    assert.deepEqual(
      missingBlobDigests.map(({ hash }) => hash),
      [second, first, second].map(({ hash }) => hash),
    );
    assert.deepEqual((await cas.findMissingBlobs({ instanceName })).missingBlobDigests, []);
  });

  await t.test("are refused with the field at fault for a bad digest or digest function", async () => {
    for (const [request, field] of [
      [{ blobDigests: [{ hash: "..", sizeBytes: 1n }] }, "blob_digests"],
      [{ blobDigests: [{ hash: `../${"a".repeat(61)}`, sizeBytes: 1n }] }, "blob_digests"],
      [{ blobDigests: [wireDigest(here)], digestFunction: DigestFunction_Value.BLAKE3 }, "digest_function"],
      [{ blobDigests: [wireDigest(here)], digestFunction: 99 as DigestFunction_Value }, "digest_function"],
    ] satisfies [MessageInitShape<typeof FindMissingBlobsRequestSchema>, string][]) {
      const call = cas.findMissingBlobs({ instanceName, ...request });
      const error = await refusal(call, Code.InvalidArgument);
      assert.equal(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field, field);
    }
  });

  await t.test("are not split and spliced, as GetCapabilities says", async () => {
    for (const call of [cas.splitBlob, cas.spliceBlob]) {
      const error = await refusal(call({ instanceName }), Code.Unimplemented);
      assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "METHOD_NOT_SERVED");
    }
  });

  await t.test("read thousands of small blobs at once", async () => {
    const digests = Array.from({ length: 4000 }, (_, index) => wireDigest(`${index}`)).map(({ hash }) => ({
      hash,
      sizeBytes: 1n,
    }));
    const result = await read(...digests);
    assert.ok(codes(result).every((code) => code === Code.NotFound));
  });
});

test("trees of directories", async (t) => {
  const grid = await startGrid(t);

  async function directory(children: MessageInitShape<typeof DirectoryNodeSchema>[] = [], salt = uniqueText()) {
    const bytes = encode(DirectorySchema, { directories: children, symlinks: [{ name: "salt", target: salt }] });
    await grid.put(instanceName, bytes);
    return wireDigest(bytes);
  }

  const leaves = await Promise.all(["a", "b", "c", "d"].map((salt) => directory([], salt)));
  const node = (name: string, index: number) => ({ name, digest: leaves[index] as WireDigest });
  const inner = await directory([node("c", 2), node("d", 3)], "inner");
  const root = await directory([node("a", 0), node("b", 1), { name: "inner", digest: inner }, node("z", 0)], "root");
  const salts = ["root", "a", "b", "inner", "c", "d"];

  async function pages(rootDigest: WireDigest, pageSize = 0, pageToken = "") {
    const all = await Array.fromAsync(grid.cas.getTree({ instanceName, rootDigest, pageSize, pageToken }));
    return all.map(({ directories, nextPageToken }) => ({
      salts: directories.map(({ symlinks }) => symlinks[0]?.target),
      nextPageToken,
    }));
  }

  await t.test("come whole, each directory once", async () => {
    const all = await pages(root);
    assert.deepEqual(
      all.flatMap((page) => page.salts),
      salts,
    );
    assert.equal(all.at(-1)?.nextPageToken, "");
  });

  await t.test("come in pages, and go on behind any of them", async () => {
    const all = await pages(root, 2);
    assert.ok(all.every((page) => page.salts.length <= 2));
    assert.deepEqual(
      all.flatMap((page) => page.salts),
      salts,
    );
    let seen = 0;
    for (const { salts: page, nextPageToken } of all.slice(0, -1)) {
      seen += page.length;
      const rest = await pages(root, 0, nextPageToken);
      assert.deepEqual(
        rest.flatMap((each) => each.salts),
        salts.slice(seen),
      );
    }
  });

  await t.test("leave out what is missing below the root, and are NOT_FOUND without the root", async () => {
    const partial = await directory([node("a", 0), { name: "gone", digest: wireDigest(some()) }], "partial");
    assert.deepEqual(
      (await pages(partial)).flatMap((page) => page.salts),
      ["partial", "a"],
    );
    await refusal(pages(wireDigest(some())), Code.NotFound);
  });

  await t.test("of an empty root are one empty directory", async () => {
    const [page] = await Array.fromAsync(grid.cas.getTree({ instanceName, rootDigest: wireDigest("") }));
    assert.equal(page?.directories.length, 1);
  });

  await t.test("are refused with bad sizes, tokens, digests and blobs", async () => {
    await refusal(pages(root, -1), Code.InvalidArgument);
    for (const token of ["x", "-1", "1.5", "99999999999", " 1"]) {
      await refusal(pages(root, 0, token), Code.InvalidArgument);
    }
    await refusal(pages({ hash: "", sizeBytes: 0n }), Code.InvalidArgument);
    await refusal(grid.cas.getTree({ instanceName }), Code.InvalidArgument);
    const garbage = Buffer.from([0xff]);
    await grid.put(instanceName, garbage);
    await refusal(pages(wireDigest(garbage)), Code.InvalidArgument);
    assert.deepEqual(
      (await pages(root, 0, "99")).flatMap((page) => page.salts),
      [],
    );
  });

  await t.test("may be deep and refer to one directory often", async () => {
    let deep = await directory();
    for (let level = 0; level < 100; level++) {
      deep = await directory(["l", "r"].map((name) => ({ name, digest: deep })));
    }
    assert.equal((await pages(deep)).flatMap((page) => page.salts).length, 101);
  });
});
