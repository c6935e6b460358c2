import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, createClient } from "@connectrpc/connect";
import { ByteStream, type WriteRequestSchema } from "../../gen/google/bytestream/bytestream_pb.ts";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { transports } from "../helpers/start-server.ts";
import { until } from "../helpers/until.ts";
import { blobName, type Grid, refusal, startGrid, temporaryDirectory, uniqueText, wireDigest } from "./grid.ts";

type Message = MessageInitShape<typeof WriteRequestSchema>;

/** A blob to upload, and names for it. */
function upload(size = 1000, instance = "main") {
  const data = randomBytes(size);
  const name = `${instance}/uploads/${uniqueText()}/${blobName(wireDigest(data))}`;
  return { data, name, blob: `${instance}/${blobName(wireDigest(data))}` };
}

/** Yields messages; those that name no resource belong to the first that does. */
async function* stream(...messages: Message[]): AsyncGenerator<Message> {
  yield* messages;
}

/** Messages that a test sends when it likes. */
function pipe() {
  const waiting: Message[] = [];
  let wake = Promise.withResolvers<void>();
  let ended = false;
  return {
    send: (message: Message) => {
      waiting.push(message);
      wake.resolve();
    },
    end: () => {
      ended = true;
      wake.resolve();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        yield* waiting.splice(0);
        if (ended) return;
        await wake.promise;
        wake = Promise.withResolvers();
      }
    },
  };
}

async function read(grid: Grid, resourceName: string, readOffset = 0n, readLimit = 0n): Promise<Buffer> {
  const parts = await Array.fromAsync(grid.byteStream.read({ resourceName, readOffset, readLimit }));
  return Buffer.concat(parts.map(({ data }) => data));
}

test("reads", async (t) => {
  const grid = await startGrid(t, { instances: "main,a/b/c" });
  const data = randomBytes(700_000);
  for (const instance of ["main", "a/b/c"]) await grid.put(instance, data);
  const name = `main/${blobName(wireDigest(data))}`;

  for (const [protocol, transport] of Object.entries(transports)) {
    await t.test(`a whole blob by ${protocol}`, async () => {
      const client = createClient(ByteStream, transport(grid.url));
      const parts = await Array.fromAsync(client.read({ resourceName: name }));
      assert.ok(Buffer.concat(parts.map((part) => part.data)).equals(data));
      assert.ok(parts.length > 1);
    });
  }

  await t.test("a part of a blob", async () => {
    for (const [offset, limit] of [
      [0, 1],
      [1, 0],
      [500_000, 300_000],
      [699_999, 0],
      [700_000, 0],
      [262_143, 2],
    ] as const) {
      const expected = data.subarray(offset, limit === 0 ? undefined : offset + limit);
      assert.ok((await read(grid, name, BigInt(offset), BigInt(limit))).equals(expected), `${offset} ${limit}`);
    }
    assert.equal((await read(grid, name, 10n, 2n ** 52n)).length, data.length - 10);
  });

  await t.test("the empty blob, and a blob of an instance with slashes", async () => {
    assert.equal((await read(grid, `main/${blobName(wireDigest(""))}`)).length, 0);
    assert.ok((await read(grid, `a/b/c/${blobName(wireDigest(data))}`)).equals(data));
  });

  const { hash } = wireDigest(data);
  for (const [what, resourceName, range, code] of [
    ["an offset behind the end", name, { readOffset: 700_001n }, Code.OutOfRange],
    ["a negative offset", name, { readOffset: -1n }, Code.OutOfRange],
    ["a negative limit", name, { readLimit: -1n }, Code.InvalidArgument],
    ["an offset beyond all numbers", name, { readOffset: 2n ** 62n }, Code.InvalidArgument],
    ["a blob that is not there", `main/blobs/${"0".repeat(64)}/5`, {}, Code.NotFound],
    ["another size than the blob's", `main/blobs/${hash}/699999`, {}, Code.NotFound],
    ["a compressor", `main/compressed-blobs/zstd/${hash}/700000`, {}, Code.Unimplemented],
    ["no name", "", {}, Code.InvalidArgument],
    ["a name without a size", `main/blobs/${hash}`, {}, Code.InvalidArgument],
    ["a size with a sign", `main/blobs/${hash}/+700000`, {}, Code.InvalidArgument],
    ["a negative size", `main/blobs/${hash}/-1`, {}, Code.InvalidArgument],
    ["something behind the size", `main/blobs/${hash}/700000/x`, {}, Code.InvalidArgument],
    ["a hash in upper case", `main/blobs/${hash.toUpperCase()}/700000`, {}, Code.InvalidArgument],
    ["a path for a hash", "main/blobs/../../etc/passwd/1", {}, Code.InvalidArgument],
    ["an upload's name", `main/uploads/x/blobs/${hash}/700000`, {}, Code.InvalidArgument],
    ["control characters", `main/blobs/${hash}\n/700000`, {}, Code.InvalidArgument],
    ["a digest function that is not served", `main/blobs/blake3/${hash}/700000`, {}, Code.InvalidArgument],
  ] as const) {
    await t.test(`refuse ${what}`, async () => {
      await refusal(grid.byteStream.read({ resourceName, ...range }), code);
    });
  }
});

test("writes", async (t) => {
  const grid = await startGrid(t, { "cas-max-blob-bytes": "1MiB" });
  const { byteStream } = grid;
  const uploadsDirectory = join(grid.dataDir, "instances", "main", "cas", "uploads");
  const status = async (resourceName: string) => {
    const { committedSize, complete } = await byteStream.queryWriteStatus({ resourceName });
    return [Number(committedSize), complete];
  };
  const write = (...messages: Message[]) => byteStream.write(stream(...messages));

  for (const [protocol, transport] of Object.entries(transports)) {
    await t.test(`a blob by ${protocol}`, async () => {
      const { name, data, blob } = upload(100_000);
      const client = createClient(ByteStream, transport(grid.url));
      const { committedSize } = await client.write(
        stream(
          { resourceName: name, data: data.subarray(0, 40_000) },
          { resourceName: name, writeOffset: 40_000n, data: data.subarray(40_000) },
          { writeOffset: 100_000n, finishWrite: true },
        ),
      );
      assert.equal(committedSize, 100_000n);
      assert.ok((await read(grid, blob)).equals(data));
      assert.deepEqual(await status(name), [100_000, true]);
    });
  }

  await t.test("a blob in one message, with words behind the size", async () => {
    const { name, data, blob } = upload();
    await write({ resourceName: `${name}/a/file.o`, data, finishWrite: true });
    assert.ok((await read(grid, blob)).equals(data));
  });

  await t.test("go on where an earlier call ended", async () => {
    const { name, data, blob } = upload();
    assert.deepEqual(await status(name), [0, false]);
    const first = await write({ resourceName: name, data: data.subarray(0, 300) });
    assert.equal(first.committedSize, 300n);
    assert.deepEqual(await status(name), [300, false]);
    const rest = { resourceName: name, writeOffset: 300n, data: data.subarray(300), finishWrite: true };
    assert.equal((await write(rest)).committedSize, 1000n);
    assert.ok((await read(grid, blob)).equals(data));
  });

  await t.test("may send again what is here already, in pieces of any size", async () => {
    const { name, data, blob } = upload();
    await write({ resourceName: name, data: data.subarray(0, 500) });
    await write(
      { resourceName: name, writeOffset: 100n, data: data.subarray(100, 200) },
      { writeOffset: 200n, data: data.subarray(200, 700) },
      { writeOffset: 700n, data: data.subarray(700), finishWrite: true },
    );
    assert.ok((await read(grid, blob)).equals(data));
  });

  await t.test("may start anew from the first byte", async () => {
    const { name, data, blob } = upload();
    await write({ resourceName: name, data: data.subarray(0, 999) });
    await write({ resourceName: name, data, finishWrite: true });
    assert.ok((await read(grid, blob)).equals(data));
  });

  await t.test("are answered at once when the blob is here, without the rest of the stream", async () => {
    const { name, data } = upload();
    await write({ resourceName: name, data, finishWrite: true });
    const again = pipe();
    again.send({ resourceName: name.replace("uploads/", "uploads/another-"), data: data.subarray(0, 10) });
    assert.equal((await byteStream.write(again)).committedSize, 1000n);
    again.end();
    const empty = `main/uploads/x/${blobName(wireDigest(""))}`;
    assert.equal((await write({ resourceName: empty, finishWrite: true })).committedSize, 0n);
  });

  await t.test("of one upload are one at a time; the second is told to try again", async () => {
    const { name, data, blob } = upload();
    const first = pipe();
    first.send({ resourceName: name, data: data.subarray(0, 500) });
    const call = byteStream.write(first);
    await until(async () => (await status(name))[0] === 500, "the first to be here");
    const error = await refusal(write({ resourceName: name, data }), Code.Aborted);
    assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "UPLOAD_IN_PROGRESS");
    first.send({ writeOffset: 500n, data: data.subarray(500), finishWrite: true });
    first.end();
    assert.equal((await call).committedSize, 1000n);
    assert.ok((await read(grid, blob)).equals(data));
  });

  await t.test("of one blob under two names both succeed", async () => {
    const { name, data, blob } = upload();
    const [one, two] = [pipe(), pipe()];
    one.send({ resourceName: name, data: data.subarray(0, 500) });
    two.send({ resourceName: `${name.replace("uploads/", "uploads/two-")}`, data: data.subarray(0, 500) });
    const calls = [byteStream.write(one), byteStream.write(two)];
    for (const each of [one, two]) {
      each.send({ writeOffset: 500n, data: data.subarray(500), finishWrite: true });
      each.end();
    }
    assert.deepEqual(
      (await Promise.all(calls)).map(({ committedSize }) => committedSize),
      [1000n, 1000n],
    );
    assert.ok((await read(grid, blob)).equals(data));
  });

  /** Of messages: what is wrong with them, the field at fault, and how much of the upload is kept. */
  const bad: Record<string, [(of: ReturnType<typeof upload>) => Message[], string, number]> = {
    "a gap at the start": [({ data }) => [{ writeOffset: 1n, data }], "write_offset", 0],
    "a gap within": [
      ({ data }) => [{ data: data.subarray(0, 100) }, { writeOffset: 101n, data: data.subarray(101) }],
      "write_offset",
      100,
    ],
    "a step back within": [
      ({ data }) => [{ data: data.subarray(0, 100) }, { writeOffset: 50n, data: data.subarray(50) }],
      "write_offset",
      100,
    ],
    "a negative offset": [({ data }) => [{ writeOffset: -1n, data }], "write_offset", 0],
    "an offset beyond all numbers": [({ data }) => [{ writeOffset: 2n ** 62n, data }], "write_offset", 0],
    "another name midway": [
      ({ data, name }) => [
        { data: data.subarray(0, 100) },
        { resourceName: `${name}/x`, writeOffset: 100n, data: data.subarray(100) },
      ],
      "resource_name",
      100,
    ],
  };
  for (const [what, [messages, field, kept]] of Object.entries(bad)) {
    await t.test(`refuse ${what}`, async () => {
      const one = upload();
      const [first, ...rest] = messages(one);
      const error = await refusal(
        write({ resourceName: one.name, ...first } as Message, ...rest),
        Code.InvalidArgument,
      );
      assert.equal(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field, field);
      assert.deepEqual(await status(one.name), [kept, false]);
      await refusal(read(grid, one.blob), Code.NotFound);
    });
  }

  /** Content that cannot become the blob: nothing of it is kept. */
  const mismatches: Record<string, [(data: Buffer) => Message[], string]> = {
    "other content": [(data) => [{ data: Buffer.alloc(data.length), finishWrite: true }], "DIGEST_MISMATCH"],
    "an end before all the data": [(data) => [{ data: data.subarray(1), finishWrite: true }], "DIGEST_MISMATCH"],
    "an end without any data": [() => [{ finishWrite: true }], "DIGEST_MISMATCH"],
    "more data than the size": [(data) => [{ data }, { writeOffset: 1000n, data }], "DIGEST_MISMATCH"],
    "much more data in one message": [(data) => [{ data: Buffer.concat([data, data]) }], "DIGEST_MISMATCH"],
  };
  for (const [what, [messages, reason]] of Object.entries(mismatches)) {
    await t.test(`refuse ${what} and keep nothing`, async () => {
      const { name, data, blob } = upload();
      const [first, ...rest] = messages(data);
      const error = await refusal(write({ resourceName: name, ...first } as Message, ...rest), Code.InvalidArgument);
      assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, reason);
      assert.deepEqual(await status(name), [0, false]);
      await refusal(read(grid, blob), Code.NotFound);
      await write({ resourceName: name, data, finishWrite: true });
    });
  }

  await t.test("refuse an end before what is here", async () => {
    const { name, data } = upload();
    await write({ resourceName: name, data: data.subarray(0, 600) });
    const early = { resourceName: name, data: data.subarray(0, 100), finishWrite: true };
    const error = await refusal(write(early), Code.InvalidArgument);
    assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "UPLOAD_SIZE_MISMATCH");
    assert.deepEqual(await status(name), [600, false]);
    await write({ resourceName: name, writeOffset: 600n, data: data.subarray(600), finishWrite: true });
  });

  const { hash, sizeBytes } = wireDigest(randomBytes(10));
  for (const [what, resourceName, code] of [
    ["a name to read from", `main/blobs/${hash}/${sizeBytes}`, Code.InvalidArgument],
    ["a name without an id", `main/uploads/blobs/${hash}/${sizeBytes}`, Code.InvalidArgument],
    ["a compressor", `main/uploads/x/compressed-blobs/zstd/${hash}/${sizeBytes}`, Code.Unimplemented],
    ["a compressor that does not exist", `main/uploads/x/compressed-blobs/lzma/${hash}/10`, Code.Unimplemented],
    ["a size beyond all numbers", `main/uploads/x/blobs/${hash}/99999999999999999`, Code.InvalidArgument],
  ] as const) {
    await t.test(`refuse ${what}, and so does QueryWriteStatus`, async () => {
      await refusal(write({ resourceName, data: Buffer.alloc(10), finishWrite: true }), code);
      await refusal(byteStream.queryWriteStatus({ resourceName }), code);
    });
  }

  await t.test("refuse a blob above the limit", async () => {
    const resourceName = `main/uploads/x/blobs/${hash}/${2 ** 20 + 1}`;
    const error = await refusal(write({ resourceName, data: Buffer.alloc(10) }), Code.InvalidArgument);
    assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "BLOB_TOO_LARGE");
    assert.deepEqual(await status(resourceName), [0, false]);
  });

  await t.test("leave no files but those of uploads that can go on", async () => {
    await until(async () => (await readdir(uploadsDirectory)).every((name) => name.endsWith(".part")));
    // Those of the refused offsets and names, each of which held something.
    assert.equal((await readdir(uploadsDirectory)).length, 3);
  });
});

test("an upload goes on after a restart, and with the right hash", async (t) => {
  const grid = await startGrid(t, { "data-dir": await temporaryDirectory(t) });
  const { name, data } = upload(300_000);
  await grid.byteStream.write(stream({ resourceName: name, data: data.subarray(0, 123_456) }));
  await grid.app.close();
  const again = await startGrid(t, { "data-dir": grid.dataDir });
  assert.equal((await again.byteStream.queryWriteStatus({ resourceName: name })).committedSize, 123_456n);
  const rest = { resourceName: name, writeOffset: 123_456n, data: data.subarray(123_456), finishWrite: true };
  assert.equal((await again.byteStream.write(stream(rest))).committedSize, 300_000n);
});
