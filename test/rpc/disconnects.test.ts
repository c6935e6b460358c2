import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { connect as connectHttp2 } from "node:http2";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import {
  ExecuteRequestSchema,
  WaitExecutionRequestSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { ReadRequestSchema, WriteRequestSchema } from "../../gen/google/bytestream/bytestream_pb.ts";
import { UpdateBotSessionRequestSchema } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import { WaitOperationRequestSchema } from "../../gen/google/longrunning/operations_pb.ts";
import { HealthCheckRequestSchema } from "../../gen/grpc/health/v1/health_pb.ts";
import { openFiles } from "../cas/fixtures.ts";
import { until } from "../helpers/until.ts";
import { envelope, openSocket } from "../server/clients.ts";
import { describeBot, openBot } from "../services/bot.ts";
import { blobName, encode, type Grid, startGrid, wireDigest } from "../services/grid.ts";

/** One call as bytes; of a stream of messages the client has not sent the end. */
interface RawCall {
  readonly path: string;
  readonly body: Uint8Array;
  readonly unfinished?: boolean;
}

function call<D extends DescMessage>(
  path: string,
  schema: D,
  message: MessageInitShape<D>,
  unfinished = false,
): RawCall {
  return { path: `/${path}`, body: envelope(encode(schema, message)), unfinished };
}

/** Begins a call on a connection of its own; answers how to cut it without a word. */
type Begin = (t: TestContext, grid: Grid, call: RawCall) => Promise<() => void>;

const http1: Begin = async (t, grid, { path, body, unfinished }) => {
  const socket = await openSocket(t, Number(new URL(grid.url).port));
  const type = "application/grpc-web+proto";
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`);
  socket.write(Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n")]));
  if (!unfinished) socket.write("0\r\n\r\n");
  return () => socket.destroy();
};

const http2: Begin = async (t, grid, { path, body, unfinished }) => {
  const socket = await openSocket(t, Number(new URL(grid.url).port));
  const session = connectHttp2(grid.url, { createConnection: () => socket });
  session.on("error", () => {});
  const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc" });
  stream.on("error", () => {});
  if (unfinished) stream.write(body);
  else stream.end(body);
  return () => socket.destroy();
};

const uploads = (grid: Grid) => readdir(join(grid.dataDir, "instances", "main", "cas", "uploads"));

async function assertNothingLeft(grid: Grid): Promise<void> {
  const alone = () => grid.app.connections().sockets === 1 && grid.app.connections().http2Sessions === 1;
  await until(alone, "the connection to be gone");
  await until(() => openFiles(join(grid.dataDir, "instances")).length === 0, "all files to be closed");
  const live = async () => (await grid.operations.listOperations({ name: "main" })).operations;
  await until(async () => (await live()).length === 0, "abandoned operations to be cancelled");
}

test("a client that vanishes at any moment leaves nothing behind", { timeout: 20_000 }, async (t) => {
  const grid = await startGrid(t, {
    instances: "main,side",
    "execution-orphan-grace": "20ms",
    "cas-max-batch-bytes": "7MiB",
  });
  const large = randomBytes(6 * 2 ** 20);
  await grid.put("main", large);
  const action = async () => grid.action();
  const bot = await openBot(grid.bots, { botId: "vanishing" });
  const botSession = { ...describeBot({ botId: "vanishing" }), name: bot.session.name };
  // Followed by nobody and polled, so that waiting for it is what keeps a call open.
  const held = await grid.execute({ instanceName: "side", actionDigest: await grid.action({ instanceName: "side" }) });

  const execute = "build.bazel.remote.execution.v2.Execution/Execute";
  const write = "google.bytestream.ByteStream/Write";
  const upload = (data: Buffer) => ({
    resourceName: `main/uploads/an-id/${blobName(wireDigest(large.subarray(1)))}`,
    data: new Uint8Array(data),
  });
  const situations: Record<string, () => RawCall | Promise<RawCall>> = {
    "a unary call that waits": () =>
      call("google.longrunning.Operations/WaitOperation", WaitOperationRequestSchema, { name: held.name }),
    "an Execute": async () =>
      call(execute, ExecuteRequestSchema, { instanceName: "main", actionDigest: await action() }),
    "a WaitExecution": () =>
      call("build.bazel.remote.execution.v2.Execution/WaitExecution", WaitExecutionRequestSchema, { name: held.name }),
    "a Write between two messages": () => call(write, WriteRequestSchema, upload(large.subarray(1, 50_000)), true),
    "a Write within a message": () => {
      const whole = call(write, WriteRequestSchema, upload(large.subarray(1, 50_000)), true);
      return { ...whole, body: whole.body.subarray(0, 30_000) };
    },
    "a Write that has sent nothing": () => ({ path: `/${write}`, body: Buffer.from([0]), unfinished: true }),
    "a Read that it does not read": () =>
      call("google.bytestream.ByteStream/Read", ReadRequestSchema, {
        resourceName: `main/${blobName(wireDigest(large))}`,
      }),
    "a poll for work": () =>
      call("google.devtools.remoteworkers.v1test2.Bots/UpdateBotSession", UpdateBotSessionRequestSchema, {
        name: bot.session.name,
        botSession,
      }),
    "a watch of health": () => call("grpc.health.v1.Health/Watch", HealthCheckRequestSchema, {}),
    "a silent conversation": () => ({
      path: "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
      body: Buffer.alloc(0),
      unfinished: true,
    }),
  };

  for (const [situation, makeCall] of Object.entries(situations)) {
    for (const [version, begin] of Object.entries({ "HTTP/1.1": http1, "HTTP/2": http2 })) {
      await t.test(`in ${situation} over ${version}`, async (t) => {
        for (const afterMs of [0, 1, 30]) {
          const cut = await begin(t, grid, await makeCall());
          await delay(afterMs);
          cut();
        }
        await assertNothingLeft(grid);
        assert.ok((await uploads(grid)).every((name) => name.endsWith(".part")));
      });
    }
  }

  await t.test("and the upload that was cut off can go on, as one file", async () => {
    const { resourceName } = upload(large);
    const { committedSize } = await grid.byteStream.queryWriteStatus({ resourceName });
    assert.equal(committedSize, 49_999n);
    assert.equal((await uploads(grid)).length, 1);
  });

  await t.test("and a job goes to a bot that is there, not to the one that has gone", async (t) => {
    const gone = await openBot(grid.bots, { botId: "gone" });
    const request = { name: gone.session.name, botSession: { ...describeBot({ botId: "gone" }), name: "" } };
    const path = "google.devtools.remoteworkers.v1test2.Bots/UpdateBotSession";
    const cut = await http2(t, grid, call(path, UpdateBotSessionRequestSchema, request));
    await delay(30);
    cut();
    await assertNothingLeft(grid);
    const operation = await grid.execute({ instanceName: "main", actionDigest: await action() });
    const present = await openBot(grid.bots, { botId: "present" });
    await present.complete((await present.lease()).id);
    assert.equal((await operation.ended).done, true);
  });

  await grid.operations.cancelOperation({ name: held.name });
});
