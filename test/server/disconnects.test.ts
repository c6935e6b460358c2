import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import { createConnection } from "node:net";
import type { Duplex } from "node:stream";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, createClient, type HandlerContext } from "@connectrpc/connect";
import {
  ByteStream,
  ReadRequestSchema,
  type WriteRequest,
  WriteRequestSchema,
  WriteResponseSchema,
} from "../../gen/google/bytestream/bytestream_pb.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/grpc/health/v1/health_pb.ts";
import { noOpenssl, testCertificates } from "./certificates.ts";
import {
  deserializer,
  dialects,
  envelope,
  grpcJsClient,
  http2Session,
  openSocket,
  serializer,
  transportOf,
} from "./clients.ts";
import { startPort, type TestPort, type TestServices, until } from "./port.ts";

const READ = "/google.bytestream.ByteStream/Read";
const WRITE = "/google.bytestream.ByteStream/Write";
const readRequest = envelope(toBinary(ReadRequestSchema, create(ReadRequestSchema)));
const piece = envelope(toBinary(WriteRequestSchema, create(WriteRequestSchema, { data: Buffer.alloc(1000) })));

function untilAborted({ signal }: HandlerContext): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

const services: TestServices = {
  health: {
    check: (_request, context) => untilAborted(context),
    async *watch(_request, context) {
      yield { status: Status.SERVING };
      await untilAborted(context);
    },
  },
  byteStream: {
    // Never looks at the signal: it is the write that has to fail.
    async *read() {
      const data = Buffer.alloc(100_000);
      for (;;) yield { data };
    },
    async write(messages) {
      let size = 0;
      for await (const { data } of messages) size += data.length;
      return { committedSize: BigInt(size) };
    },
  },
};

/** A client that can be cut off without a word. */
interface Victim {
  readonly socket: Duplex;
  /** Begins a call and sends part of its body; nothing of the answer is read. */
  call(path: string, body: Uint8Array): void;
}

type Connect = (t: TestContext, port: TestPort, ca?: string) => Promise<Victim>;

function openDuplex(t: TestContext, port: TestPort, ca: string | undefined, alpn: string): Promise<Duplex> {
  const to = { host: "127.0.0.1", port: port.port };
  const socket = ca ? connectTls({ ...to, ca, ALPNProtocols: [alpn] }) : createConnection(to);
  socket.on("error", () => {});
  t.after(() => socket.destroy());
  return new Promise((resolve) => socket.once(ca ? "secureConnect" : "connect", () => resolve(socket)));
}

const http1: Connect = async (t, port, ca) => {
  const socket = await openDuplex(t, port, ca, "http/1.1");
  return {
    socket,
    call: (path, body) => {
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc-web+proto\r\nTransfer-Encoding: chunked\r\n\r\n`,
      );
      socket.write(`${body.length.toString(16)}\r\n`);
      socket.write(body);
      socket.write("\r\n");
      if (path !== WRITE) socket.write("0\r\n\r\n");
    },
  };
};

const http2: Connect = async (t, port, ca) => {
  const socket = await openDuplex(t, port, ca, "h2");
  const session = connectHttp2(port.url, { createConnection: () => socket });
  session.on("error", () => {});
  return {
    socket,
    call: (path, body) => {
      const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc" });
      stream.on("error", () => {});
      if (path === WRITE) stream.write(body);
      else stream.end(body);
    },
  };
};

async function vanishes(t: TestContext, connect: Connect, path: string, body: Uint8Array, ca?: string, tls?: object) {
  const port = await startPort(t, services, tls);
  const victim = await connect(t, port, ca);
  victim.call(path, body);
  await until("the handler runs", () => port.running() > 0);
  await delay(20);
  victim.socket.destroy();
  await until("the handler has ended", () => port.running() === 0);
  await until("the connection is gone", () => port.connections().sockets === 0);
  assert.deepEqual(port.connections(), { sockets: 0, http2Sessions: 0 });
}

const situations = [
  ["in a unary call", "/grpc.health.v1.Health/Check", envelope(new Uint8Array())],
  ["in a silent stream", "/grpc.health.v1.Health/Watch", envelope(new Uint8Array())],
  ["while a full stream waits for it to read", READ, readRequest],
  ["between two messages of an upload", WRITE, piece],
  ["within a message of an upload", WRITE, piece.subarray(0, 500)],
] as const;

for (const [situation, path, body] of situations) {
  for (const [version, connect] of [
    ["HTTP/1.1", http1],
    ["HTTP/2", http2],
  ] as const) {
    test(`ends the handler and frees the connection of an ${version} client that vanishes ${situation}`, (t) =>
      vanishes(t, connect, path, body));

    test(`does the same over TLS: ${version}, ${situation}`, { skip: noOpenssl }, (t) => {
      const { ca, server } = testCertificates();
      const tls = { ...server, clientCa: undefined, clientAuth: "none" } as const;
      return vanishes(t, connect, path, body, ca, { tls });
    });
  }
}

test("ends the session of an HTTP/2 client that only sends a FIN", async (t) => {
  const port = await startPort(t, services);
  const socket = await openSocket(t, port.port, true);
  const session = connectHttp2(port.url, { createConnection: () => socket });
  session.on("error", () => {});
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  assert.equal(port.connections().http2Sessions, 1);
  socket.end();
  await until("the session is gone", () => port.connections().http2Sessions === 0 && port.connections().sockets === 0);
});

test("survives 2,000 calls of one connection that are cancelled at once", async (t) => {
  const port = await startPort(t, services);
  const session = http2Session(t, port.url);
  const streams = Array.from({ length: 2000 }, () => {
    const stream = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Watch",
      "content-type": "application/grpc",
    });
    stream.on("error", () => {});
    stream.end(envelope(new Uint8Array()));
    return stream;
  });
  await until("all are in progress", () => port.running() === 2000);
  for (const stream of streams) stream.close(8);
  await until("all have ended", () => port.running() === 0);
  assert.ok(!session.destroyed && !session.closed);
  assert.equal(port.connections().http2Sessions, 1);
  const stream = session.request({ ":path": "/healthz" });
  stream.resume();
  const status = await new Promise((resolve) => stream.once("response", (headers) => resolve(headers[":status"])));
  assert.equal(status, 200);
});

for (const dialect of dialects) {
  test(`answers an upload before its end, and stops it, by ${dialect.protocol} over HTTP/${dialect.httpVersion}`, async (t) => {
    const port = await startPort(t, {
      byteStream: {
        async write(messages) {
          for await (const _ of messages) break;
          return { committedSize: 7n };
        },
      },
    });
    async function* endless() {
      for (let i = 0; i < 500; i++) {
        yield { data: Buffer.alloc(50_000) };
        await delay(1);
      }
    }
    const client = createClient(ByteStream, transportOf(t, port.url, dialect));
    assert.equal((await client.write(endless())).committedSize, 7n);
  });
}

test("resets the stream of a client that goes on sending after its answer, as @grpc/grpc-js does", async (t) => {
  const firstOnly = async (messages: AsyncIterable<WriteRequest>) => {
    for await (const _ of messages) break;
    return { committedSize: 7n };
  };
  const port = await startPort(t, { byteStream: { write: firstOnly } }, { drainMs: 60_000 });
  const client = grpcJsClient(t, port.port);
  const reply = await new Promise((resolve, reject) => {
    const call = client.makeClientStreamRequest(
      WRITE,
      serializer(WriteRequestSchema),
      deserializer(WriteResponseSchema),
      (error, value) => (error ? reject(error) : resolve(value)),
    );
    call.on("error", () => {});
    for (let i = 0; i < 100; i++) call.write(create(WriteRequestSchema, { data: Buffer.alloc(100_000) }));
  });
  assert.deepEqual(reply, create(WriteResponseSchema, { committedSize: 7n }));
  const raw = http2Session(t, port.url).request({
    ":method": "POST",
    ":path": WRITE,
    "content-type": "application/grpc",
  });
  raw.write(piece);
  raw.resume();
  const trailer = new Promise<Record<string, unknown>>((resolve) => raw.once("trailers", resolve));
  await new Promise((resolve) => raw.once("close", resolve));
  assert.deepEqual([(await trailer)["grpc-status"], raw.rstCode], ["0", 0]);
  // Were a stream left open, this would take as long as the drain may.
  await port.close();
});

test("ends a call as CANCELLED, without a word in the log, when its client cancels", async (t) => {
  const codes: Code[] = [];
  const port = await startPort(t, services);
  for (const dialect of dialects) {
    const cancel = new AbortController();
    const call = createClient(Health, transportOf(t, port.url, dialect)).check({}, { signal: cancel.signal });
    await until("the handler runs", () => port.running() === 1);
    cancel.abort();
    await call.catch((error) => codes.push(error.code));
    await until("the handler has ended", () => port.running() === 0);
  }
  assert.deepEqual(
    codes,
    dialects.map(() => Code.Canceled),
  );
  assert.deepEqual(
    port.log.lines.filter((line) => line.level !== "debug"),
    [],
  );
});
