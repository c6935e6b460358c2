import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import type { ClientHttp2Session } from "node:http2";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  ActionCache,
  Capabilities,
  ContentAddressableStorage,
  Execution,
  RequestMetadataSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { ByteStream } from "../../gen/google/bytestream/bytestream_pb.ts";
import { Bots } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import { GetOperationRequestSchema, Operations } from "../../gen/google/longrunning/operations_pb.ts";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { FarmService, OperationView } from "../../gen/opgrid/v1/opgrid_pb.ts";
import { envelope, http2Session } from "../server/clients.ts";
import { openBot } from "../services/bot.ts";
import { blobName, startGrid, temporaryDirectory, wireDigest } from "../services/grid.ts";
import { exchange, message, pathOf, type RawCall, rawCall } from "./raw-call.ts";

const MAX_MESSAGE_BYTES = 128 * 1024;
const flags = {
  "limits-max-message-bytes": String(MAX_MESSAGE_BYTES),
  instances: "main,other",
  "cas-max-batch-bytes": "64KiB",
};
const missing = "01900000-0000-7000-8000-000000000000";
const blob = Buffer.from("a blob");
const { getOperation, listOperations, cancelOperation, deleteOperation, waitOperation } = Operations.method;
const { waitExecution } = Execution.method;
const GET = pathOf(getOperation);
const CHECK = pathOf(Health.method.check);

/** Ids of operations in each state, in a data directory that no server has. */
interface Scene {
  readonly dataDir: string;
  readonly queued: string;
  readonly completed: string;
  readonly cancelled: string;
}

async function prepare(t: TestContext): Promise<Scene> {
  const dataDir = await temporaryDirectory(t);
  const grid = await startGrid(t, { ...flags, "data-dir": dataDir });
  await grid.put("main", blob);
  const metadata = create(RequestMetadataSchema, { toolDetails: { toolName: "bazel" }, toolInvocationId: "ü" });
  const caller = {
    "build.bazel.remote.execution.v2.requestmetadata-bin": Buffer.from(
      toBinary(RequestMetadataSchema, metadata),
    ).toString("base64"),
    "x-request-actor": "a",
    "x-request-subject": "b",
    "x-request-workflow": "c",
  };
  const execute = async () => grid.execute({ instanceName: "main", actionDigest: await grid.action() }, caller);
  const completed = await execute();
  const bot = await openBot(grid.bots);
  await bot.complete((await bot.lease()).id);
  await completed.ended;
  await bot.leave();
  const queued = await execute();
  const cancelled = await execute();
  await grid.operations.cancelOperation({ name: cancelled.name });
  await cancelled.ended;
  queued.ended.catch(() => {});
  await grid.operations.getOperation({ name: queued.name });
  await grid.app.close();
  return { dataDir, queued: queued.id, completed: completed.id, cancelled: cancelled.id };
}

/** Two servers with the same state, of which one has no fast path. */
async function bothWays(t: TestContext, scene: Scene): Promise<[fast: ClientHttp2Session, slow: ClientHttp2Session]> {
  const copy = await temporaryDirectory(t);
  await cp(scene.dataDir, copy, { recursive: true });
  const fast = await startGrid(t, { ...flags, "data-dir": scene.dataDir, "limits-fast-path": "true" });
  // Of streams Connect reads the request within the interceptors, which see what is malformed as the server's fault.
  const options = { expected: /^call failed$/ };
  const slow = await startGrid(t, { ...flags, "data-dir": copy, "limits-fast-path": "false" }, options);
  return [http2Session(t, fast.url), http2Session(t, slow.url)];
}

function get(name: string, headers: RawCall["headers"] = {}): RawCall {
  return rawCall(getOperation, { name }, headers);
}

function callsOf(scene: Scene): Record<string, RawCall> {
  const { queued, completed, cancelled } = scene;
  const digest = wireDigest(blob);
  const { findMissingBlobs, batchUpdateBlobs, batchReadBlobs, spliceBlob } = ContentAddressableStorage.method;
  return {
    "GetOperation, queued": get(`main/${queued}`),
    "GetOperation, completed": get(`main/${completed}`),
    "GetOperation, completed, again": get(`main/${completed}`),
    "GetOperation, cancelled": get(`main/${cancelled}`),
    "GetOperation, missing": get(`main/${missing}`),
    "GetOperation, of another instance": get(`other/${completed}`),
    "GetOperation, unknown instance": get(`nowhere/${completed}`),
    "GetOperation, unknown instance with signs": get(`größe 100%/${completed}`.replace(" ", "_")),
    "GetOperation, malformed name": get("main/"),
    "GetOperation, long name": get("é".repeat(2000)),
    "ListOperations, all": rawCall(listOperations, { name: "main", filter: "stage = completed" }),
    "ListOperations, one page": rawCall(listOperations, { name: "main", filter: "stage >= queued", pageSize: 3 }),
    "ListOperations, bad token": rawCall(listOperations, { name: "main", pageToken: "token" }),
    "ListOperations, bad filter": rawCall(listOperations, { name: "main", filter: "stäge = 1" }),
    "WaitOperation, done": rawCall(waitOperation, { name: `main/${completed}` }),
    "WaitOperation, for a moment": rawCall(waitOperation, { name: `main/${queued}`, timeout: { nanos: 1e7 } }),
    "WaitOperation, until the deadline": rawCall(waitOperation, { name: `main/${queued}` }, { "grpc-timeout": "250m" }),
    "CancelOperation, missing": rawCall(cancelOperation, { name: `main/${missing}` }),
    "CancelOperation, ended": rawCall(cancelOperation, { name: `main/${completed}` }),
    FindMissingBlobs: rawCall(findMissingBlobs, { instanceName: "main", blobDigests: [digest, wireDigest("other")] }),
    "FindMissingBlobs, bad digest": rawCall(findMissingBlobs, { instanceName: "main", blobDigests: [{ hash: "x" }] }),
    BatchUpdateBlobs: rawCall(batchUpdateBlobs, {
      instanceName: "main",
      requests: [
        { digest: wireDigest("one"), data: Buffer.from("one") },
        { digest: wireDigest("two"), data: Buffer.from("three") },
      ],
    }),
    BatchReadBlobs: rawCall(batchReadBlobs, { instanceName: "main", digests: [digest, wireDigest("missing")] }),
    SpliceBlob: rawCall(spliceBlob, { instanceName: "main" }),
    GetActionResult: rawCall(ActionCache.method.getActionResult, { instanceName: "main", actionDigest: digest }),
    GetCapabilities: rawCall(Capabilities.method.getCapabilities, { instanceName: "main" }),
    QueryWriteStatus: rawCall(ByteStream.method.queryWriteStatus, { resourceName: "main/uploads/x" }),
    "CreateBotSession, nothing": rawCall(Bots.method.createBotSession, { parent: "main" }),
    PostBotEventTemp: rawCall(Bots.method.postBotEventTemp, { name: `main/${missing}` }),
    "Health.Check": rawCall(Health.method.check, { service: "google.longrunning.Operations" }),
    "Health.Check, unknown": rawCall(Health.method.check, { service: "x" }),
    "Health.List": rawCall(Health.method.list, {}),
    "Execute, no action": rawCall(Execution.method.execute, { instanceName: "main", actionDigest: digest }),
    "Execute, unknown instance": rawCall(Execution.method.execute, { instanceName: "no", actionDigest: digest }),
    "WaitExecution, completed": rawCall(waitExecution, { name: `main/${completed}` }),
    "WaitExecution, missing": rawCall(waitExecution, { name: `main/${missing}` }),
    "WaitExecution, until the deadline": rawCall(waitExecution, { name: `main/${queued}` }, { "grpc-timeout": "250m" }),
    Read: rawCall(ByteStream.method.read, { resourceName: `main/${blobName(digest)}` }),
    "Read, a part": rawCall(ByteStream.method.read, { resourceName: `main/${blobName(digest)}`, readOffset: 2n }),
    "Read, after the end": rawCall(ByteStream.method.read, {
      resourceName: `main/${blobName(digest)}`,
      readOffset: 99n,
    }),
    "Read, malformed": rawCall(ByteStream.method.read, { resourceName: "main/blobs" }),
    "GetTree, missing": rawCall(ContentAddressableStorage.method.getTree, { instanceName: "main", rootDigest: digest }),
    "WatchOperations, until the deadline": rawCall(
      FarmService.method.watchOperations,
      { instanceName: "main", filter: "command:*" },
      { "grpc-timeout": "250m" },
    ),
    "WatchOperations, summaries, until the deadline": rawCall(
      FarmService.method.watchOperations,
      { instanceName: "main", filter: "command:*", view: OperationView.SUMMARY, limit: 2 },
      { "grpc-timeout": "250m" },
    ),
    "WatchOperations, negative limit": rawCall(FarmService.method.watchOperations, { instanceName: "main", limit: -1 }),
    ListInstances: rawCall(FarmService.method.listInstances, {}),
    "ListWorkers, of all instances": rawCall(FarmService.method.listWorkers, { instanceName: "-" }),
    "WatchOperations, bad filter": rawCall(FarmService.method.watchOperations, { instanceName: "main", filter: "x" }),
    DeleteOperation: rawCall(deleteOperation, { name: `main/${completed}` }),
    "GetOperation, deleted": get(`main/${completed}`),
    "DeleteOperation, again": rawCall(deleteOperation, { name: `main/${completed}` }),
  };
}

function headersOf({ queued }: Scene): Record<string, RawCall> {
  const plain = (headers: RawCall["headers"]) => get(`main/${queued}`, headers);
  const type = (contentType: string | undefined) => plain({ "content-type": contentType });
  const zipped = gzipSync(toBinary(GetOperationRequestSchema, create(GetOperationRequestSchema, { name: "main/x" })));
  const compressed = envelope(zipped);
  compressed[0] = 1;
  return {
    "content type +proto": type("application/grpc+proto"),
    "content type in capitals": type("Application/GRPC"),
    "content type with a parameter": type("application/grpc; charset=utf-8"),
    "content type +json": {
      path: CHECK,
      headers: { "content-type": "application/grpc+json" },
      body: [envelope(Buffer.from("{}"))],
    },
    "content type +thrift": type("application/grpc+thrift"),
    "gRPC-Web": type("application/grpc-web+proto"),
    "Connect, JSON": { path: CHECK, headers: { "content-type": "application/json" }, body: [Buffer.from("{}")] },
    "Connect, binary": { path: CHECK, headers: { "content-type": "application/proto" } },
    "content type of text": type("text/plain"),
    "no content type": type(undefined),
    "no te": plain({ te: undefined }),
    "encoding identity": plain({ "grpc-encoding": "identity" }),
    "encoding gzip": { path: GET, headers: { "grpc-encoding": "gzip" }, body: [compressed] },
    "encoding gzip, not used": plain({ "grpc-encoding": "gzip" }),
    "encoding unknown": plain({ "grpc-encoding": "snappy" }),
    "accepts gzip": plain({ "grpc-accept-encoding": "identity, deflate,gzip" }),
    "accepts brotli first": plain({ "grpc-accept-encoding": "br,gzip" }),
    "accepts nothing that we have": plain({ "grpc-accept-encoding": "identity,snappy" }),
    "accepts nothing": plain({ "grpc-accept-encoding": "" }),
    "error, accepts gzip": get("main/", { "grpc-accept-encoding": "gzip" }),
    "timeout in each unit": plain({ "grpc-timeout": "99999999n" }),
    "timeout of nothing": plain({ "grpc-timeout": "0S" }),
    "timeout of ages": plain({ "grpc-timeout": "99999999H" }),
    "timeout malformed": plain({ "grpc-timeout": "1 s" }),
    "timeout too long to be one": plain({ "grpc-timeout": "123456789S" }),
    "origin of this machine": plain({ origin: "http://localhost:3000" }),
    "origin of a stranger": plain({ origin: "https://evil.example" }),
    "expects 100": plain({ expect: "100-continue" }),
    "authority malformed": plain({ ":authority": "farm.example:99999" }),
    "authority of another name": plain({ ":authority": "farm.example:1234" }),
    "headers that nobody knows": plain({ "x-unknown": "ü", "x-unknown-bin": "AAA" }),
    "method GET": { path: GET, headers: { ":method": "GET" } },
    "method PUT": plain({ ":method": "PUT" }),
    "path with a query": { ...plain({}), path: `${GET}?a=b` },
    "path with an escape": { ...plain({}), path: GET.replace("GetOperation", "Get%4fperation") },
    "path in other letters": { ...plain({}), path: GET.toLowerCase() },
    "path with a slash more": { ...plain({}), path: `${GET}/` },
    "unknown method": { ...plain({}), path: GET.replace("Get", "Got") },
    "unknown service": { ...plain({}), path: "/a.b/C" },
    "path of a page": { ...plain({}), path: "/healthz" },
  };
}

/** Both kinds of request have a name and nothing else. */
function framesOf({ completed }: Scene, path: string): Record<string, RawCall> {
  const good = message(GetOperationRequestSchema, { name: `main/${completed}` });
  const body = (...pieces: Uint8Array[]): RawCall => ({ path, body: pieces });
  const open = (...pieces: Uint8Array[]): RawCall => ({ path, body: pieces, open: true });
  const flagged = (flags: number) => Buffer.concat([Buffer.from([flags]), good.subarray(1)]);
  const claiming = (length: number) => {
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(length, 1);
    return prefix;
  };
  const malformed = envelope(Buffer.from([0xff, 0xff]));
  const sized = (bytes: number) =>
    envelope(toBinary(GetOperationRequestSchema, create(GetOperationRequestSchema, { name: "x".repeat(bytes) })));
  return {
    "no body": body(),
    "an empty frame": body(Buffer.alloc(0)),
    "part of a prefix": body(good.subarray(0, 3)),
    "a prefix only": body(good.subarray(0, 5)),
    "all but one byte": body(good.subarray(0, -1)),
    "an empty message": body(envelope(Buffer.alloc(0))),
    "byte by byte": body(...Array.from(good, (byte) => Buffer.from([byte]))),
    "in two pieces": body(good.subarray(0, 4), good.subarray(4)),
    "one byte more": body(Buffer.concat([good, Buffer.from([0])])),
    "a prefix more": body(good, claiming(10)),
    "two messages": body(good, good),
    "two messages in one piece": body(Buffer.concat([good, good])),
    "three messages": body(good, good, good),
    "a second message that is too long": body(good, claiming(MAX_MESSAGE_BYTES + 1)),
    "a second message that is malformed": body(good, malformed),
    "a malformed message": body(malformed),
    "a malformed message and a good one": body(malformed, good),
    "a compressed message": body(flagged(1)),
    "flags that nobody knows": body(flagged(0x80)),
    "the largest message": body(sized(MAX_MESSAGE_BYTES - 4)),
    "a message of one byte too many": body(sized(MAX_MESSAGE_BYTES - 3)),
    "a message that claims 4 GiB": body(claiming(0xffffffff)),
    "a message that claims 4 GiB, with more to come": open(claiming(0xffffffff), Buffer.alloc(100_000)),
    "a malformed message, with more to come": open(malformed),
    "two messages, with more to come": open(good, good),
    "a compressed message, with more to come": open(flagged(1)),
  };
}

test("a client cannot tell the fast path from the long way", async (t) => {
  const scene = await prepare(t);
  const [fast, slow] = await bothWays(t, scene);
  const suites = {
    frames: framesOf(scene, GET),
    "frames, streaming": framesOf(scene, pathOf(waitExecution)),
    headers: headersOf(scene),
    methods: callsOf(scene),
  };
  for (const [suite, calls] of Object.entries(suites)) {
    await t.test(suite, async (t) => {
      for (const [title, call] of Object.entries(calls)) {
        await t.test(title, async () => {
          const [byFast, bySlow] = await Promise.all([exchange(fast, call), exchange(slow, call)]);
          assert.notEqual(bySlow.headers[":status"], undefined, "the server answers");
          assert.deepEqual(byFast, bySlow);
        });
      }
    });
  }
});
