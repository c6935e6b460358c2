import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { Code, decodeBinaryHeader } from "@connectrpc/connect";
import {
  ExecuteRequestSchema,
  FindMissingBlobsRequestSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { ReadRequestSchema, WriteRequestSchema } from "../../gen/google/bytestream/bytestream_pb.ts";
import { CreateBotSessionRequestSchema } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import { GetOperationRequestSchema, ListOperationsRequestSchema } from "../../gen/google/longrunning/operations_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { envelope, http2Session, rawGrpc } from "../server/clients.ts";
import { encode, type Grid, startGrid } from "../services/grid.ts";

const GET = "google.longrunning.Operations/GetOperation";
const LIST = "google.longrunning.Operations/ListOperations";
const EXECUTE = "build.bazel.remote.execution.v2.Execution/Execute";
const FIND = "build.bazel.remote.execution.v2.ContentAddressableStorage/FindMissingBlobs";
const WRITE = "google.bytestream.ByteStream/Write";
const READ = "google.bytestream.ByteStream/Read";
const REFLECT = "grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const CREATE_BOT = "google.devtools.remoteworkers.v1test2.Bots/CreateBotSession";

/** A string field 1 whose bytes are no UTF-8. */
const badText = Buffer.from([0x0a, 0x02, 0xc3, 0x28]);
/** A length that reaches beyond the message. */
const cutOff = Buffer.from([0x0a, 0x7f, 0x41]);
/** A group that does not end, and a field with the number 0. */
const [openGroup, fieldZero] = [Buffer.from([0x0b]), Buffer.from([0x00, 0x01])];
const hash = "a".repeat(64);

/** Bytes that no proper client sends, and the code that each is answered with. */
const messages: Record<string, [method: string, message: Uint8Array, code: Code]> = {
  "a unary message cut off": [GET, cutOff, Code.Internal],
  "a unary message with an open group": [GET, openGroup, Code.Internal],
  "a unary message with a field 0": [LIST, fieldZero, Code.Internal],
  "a unary message with bad UTF-8": [GET, badText, Code.Internal],
  "an Execute cut off": [EXECUTE, cutOff, Code.Internal],
  "an Execute with bad UTF-8": [EXECUTE, badText, Code.Internal],
  "a Write cut off": [WRITE, cutOff, Code.Internal],
  "a Write with bad UTF-8": [WRITE, badText, Code.Internal],
  "a Read cut off": [READ, cutOff, Code.Internal],
  "a reflection request cut off": [REFLECT, cutOff, Code.Internal],
  "an empty Get": [GET, encode(GetOperationRequestSchema, {}), Code.InvalidArgument],
  "an endless name": [GET, encode(GetOperationRequestSchema, { name: "x".repeat(1 << 20) }), Code.InvalidArgument],
  "an endless filter": [
    LIST,
    encode(ListOperationsRequestSchema, { filter: "(".repeat(1 << 20) }),
    Code.InvalidArgument,
  ],
  "an endless instance": [
    EXECUTE,
    encode(ExecuteRequestSchema, { instanceName: "\n".repeat(1 << 20) }),
    Code.InvalidArgument,
  ],
  "an endless hash": [
    FIND,
    encode(FindMissingBlobsRequestSchema, { blobDigests: [{ hash: "a".repeat(1 << 20), sizeBytes: 1n }] }),
    Code.InvalidArgument,
  ],
  "an endless resource name": [
    READ,
    encode(ReadRequestSchema, { resourceName: `${"blobs/".repeat(1 << 17)}${hash}/1` }),
    Code.InvalidArgument,
  ],
  "an endless compressor": [
    READ,
    encode(ReadRequestSchema, { resourceName: `main/compressed-blobs/${"z".repeat(1 << 20)}/${hash}/1` }),
    Code.Unimplemented,
  ],
  "an endless upload id and digest function": [
    WRITE,
    encode(WriteRequestSchema, {
      resourceName: `main/uploads/${"u".repeat(1 << 20)}/blobs/${"f".repeat(1 << 20)}/${hash}/1`,
    }),
    Code.InvalidArgument,
  ],
  "an endless bot id": [
    CREATE_BOT,
    encode(CreateBotSessionRequestSchema, { parent: "main", botSession: { botId: "b".repeat(1 << 20) } }),
    Code.InvalidArgument,
  ],
  "a message above the limit": [FIND, Buffer.alloc(8 * 2 ** 20 + 1), Code.ResourceExhausted],
};

async function stillServes(grid: Grid): Promise<void> {
  assert.deepEqual((await grid.operations.listOperations({ name: "main" })).operations, []);
}

function headerBytes(headers: object): number {
  return Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + `${value}`.length + 32, 0);
}

async function answersRaw(t: TestContext, grid: Grid) {
  const session = http2Session(t, grid.url);
  for (const [what, [method, message, code]] of Object.entries(messages)) {
    await t.test(`answers ${what} in few words, and goes on`, async () => {
      const { header, trailer } = await rawGrpc(session, `/${method}`, envelope(message));
      const all = { ...header, ...trailer };
      assert.equal(Number(all["grpc-status"]), code, `${all["grpc-message"]}`);
      assert.ok(headerBytes(all) < 8192);
      assert.ok(!session.destroyed && !session.closed);
      await stillServes(grid);
    });
  }
}

test("gRPC", async (t) => {
  // By the rules of gRPC a message that cannot be read is INTERNAL, which the log counts as the server's own.
  const grid = await startGrid(t, {}, { expected: /^call failed$/ });
  await answersRaw(t, grid);

  await t.test("answers methods that there are not", async () => {
    const session = http2Session(t, grid.url);
    for (const method of ["google.longrunning.Operations/Nothing", "no.such.Service/Method", "x"]) {
      const { header, trailer } = await rawGrpc(session, `/${method}`, envelope(Buffer.alloc(0)));
      assert.equal({ ...header, ...trailer }["grpc-status"], "12", method);
    }
  });

  await t.test("carries the details of an error beside its message", async () => {
    const request = envelope(encode(GetOperationRequestSchema, { name: "nowhere/x" }));
    const { header, trailer } = await rawGrpc(http2Session(t, grid.url), `/${GET}`, request);
    const details = `${{ ...header, ...trailer }["grpc-status-details-bin"]}`;
    const status = fromBinary(StatusSchema, decodeBinaryHeader(details));
    assert.equal(status.code, Code.InvalidArgument);
    assert.equal(status.details[0]?.typeUrl, "type.googleapis.com/google.rpc.ErrorInfo");
  });
});

test("Connect", async (t) => {
  const grid = await startGrid(t);

  async function post(method: string, type: string, body: Uint8Array | string) {
    const init = { method: "POST", headers: { "content-type": type }, body: body as string };
    const response = await fetch(`${grid.url}/${method}`, init);
    return { status: response.status, code: ((await response.json()) as { code?: string }).code };
  }

  await t.test("answers malformed JSON and JSON that is no such request", async () => {
    const digest = { hash, sizeBytes: "1" };
    for (const [method, body] of [
      [GET, "{"],
      [GET, "nothing"],
      [GET, '{"name":"a\u0000'],
      [GET, '{"name":"\\ud800"}'],
      [LIST, '{"pageSize":"many"}'],
      [LIST, '{"pageSize":1e99}'],
      [LIST, '{"pageSize":4294967296}'],
      [FIND, JSON.stringify({ blobDigests: [{ ...digest, sizeBytes: "1.5" }] })],
      [FIND, JSON.stringify({ blobDigests: [{ ...digest, sizeBytes: "9223372036854775808" }] })],
      [FIND, JSON.stringify({ blobDigests: digest })],
      [FIND, `{"blobDigests":${"[".repeat(100_000)}`],
    ] as const) {
      assert.deepEqual(
        await post(method, "application/json", body),
        { status: 400, code: "invalid_argument" },
        body.slice(0, 60),
      );
    }
    await stillServes(grid);
  });

  await t.test("answers JSON that is no UTF-8 as if it said something else, not by a fault", async () => {
    const { status } = await post(
      GET,
      "application/json",
      Buffer.from([...Buffer.from('{"name":"main/'), 0xff, 0x22, 0x7d]),
    );
    assert.ok(status === 400 || status === 404, `${status}`);
  });

  await t.test("answers a GET without a message, with a broken one, and of what changes something", async () => {
    for (const [path, expected] of [
      [`${GET}?connect=v1&encoding=json`, 400],
      [`${GET}?connect=v1&encoding=json&message={`, 400],
      [`${GET}?connect=v1&encoding=proto&base64=1&message=!!!`, 500],
      [`${GET}?connect=v1&encoding=nothing&message={}`, 415],
      ["google.longrunning.Operations/CancelOperation?connect=v1&encoding=json&message={}", 405],
    ] as const) {
      const response = await fetch(`${grid.url}/${path}`);
      await response.body?.cancel();
      assert.equal(response.status, expected, path);
    }
    await stillServes(grid);
  });

  await t.test("answers content types that are none of a call's", async () => {
    for (const [method, type] of [
      [GET, "text/plain"],
      [GET, "application/connect+json"],
      [EXECUTE, "application/json"],
      [WRITE, "application/proto"],
    ] as const) {
      const response = await fetch(`${grid.url}/${method}`, {
        method: "POST",
        headers: { "content-type": type },
        body: "{}",
      });
      await response.body?.cancel();
      assert.equal(response.status, 415, `${method} ${type}`);
    }
  });
});
