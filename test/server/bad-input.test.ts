import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { ByteStream, ReadRequestSchema, type WriteRequest } from "../../gen/google/bytestream/bytestream_pb.ts";
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "../../gen/grpc/health/v1/health_pb.ts";
import {
  dialects,
  envelope,
  grpcJsClient,
  http2Session,
  openSocket,
  rawGrpc,
  readAll,
  transportOf,
} from "./clients.ts";
import { startPort, type TestPort, type TestServices, testLimits } from "./port.ts";

const CHECK = "/grpc.health.v1.Health/Check";
const services: TestServices = { health: { check: () => ({ status: Status.SERVING }) } };

const smallMessages = { ...testLimits, maxMessageBytes: 1000 };

async function sizeOf(messages: AsyncIterable<WriteRequest>) {
  let size = 0;
  for await (const { data } of messages) size += data.length;
  return { committedSize: BigInt(size) };
}

async function stillServes(port: TestPort): Promise<void> {
  const response = await fetch(`${port.url}${CHECK}`, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close" },
    body: "{}",
  });
  assert.deepEqual(await response.json(), { status: "SERVING" });
}

const codeOf = (promise: Promise<unknown>): Promise<Code> =>
  promise.then(
    () => assert.fail("the call succeeded"),
    (error) => ConnectError.from(error).code,
  );

for (const dialect of dialects) {
  const name = `${dialect.protocol} over HTTP/${dialect.httpVersion}`;

  test(`refuses a message above the limit with RESOURCE_EXHAUSTED by ${name}`, async (t) => {
    const port = await startPort(t, { ...services, byteStream: { write: sizeOf } }, { limits: smallMessages });
    const transport = transportOf(t, port.url, dialect);
    const health = createClient(Health, transport);
    assert.equal(await codeOf(health.check({ service: "x".repeat(2000) })), Code.ResourceExhausted);
    async function* large() {
      yield { data: Buffer.alloc(500) };
      yield { data: Buffer.alloc(2_000_000) };
    }
    assert.equal(await codeOf(createClient(ByteStream, transport).write(large())), Code.ResourceExhausted);
    await stillServes(port);
  });

  test(`answers a method that nobody implements with UNIMPLEMENTED by ${name}`, async (t) => {
    const port = await startPort(t, services);
    const bytes = createClient(ByteStream, transportOf(t, port.url, dialect));
    assert.equal(await codeOf(bytes.queryWriteStatus({})), Code.Unimplemented);
  });

  test(`answers an unknown service with UNIMPLEMENTED by ${name}`, async (t) => {
    const port = await startPort(t, {}, { routes: () => {} });
    const transport = transportOf(t, port.url, dialect);
    assert.equal(await codeOf(createClient(Health, transport).check({})), Code.Unimplemented);
    const read = createClient(ByteStream, transport).read({})[Symbol.asyncIterator]();
    assert.equal(await codeOf(read.next()), Code.Unimplemented);
  });
}

test("answers an unknown gRPC method with HTTP 200 and grpc-status 12", async (t) => {
  const port = await startPort(t, services);
  const answer = await rawGrpc(http2Session(t, port.url), "/no.such.Service/Nothing", envelope(new Uint8Array()));
  assert.equal(answer.header[":status"], 200);
  assert.equal(answer.trailer["grpc-status"], "12");
  const error = await new Promise<{ code?: number } | null>((resolve) => {
    const nothing = { serialize: () => Buffer.alloc(0), deserialize: () => ({}) };
    grpcJsClient(t, port.port).makeUnaryRequest(
      "/no.such.Service/Nothing",
      nothing.serialize,
      nothing.deserialize,
      {},
      resolve,
    );
  });
  assert.equal(error?.code, 12);
});

test("answers malformed protobuf with INTERNAL, as gRPC servers do, and malformed JSON with INVALID_ARGUMENT", async (t) => {
  const port = await startPort(t, services);
  const session = http2Session(t, port.url);
  assert.equal((await rawGrpc(session, CHECK, envelope(Buffer.from([0x0a, 0xff])))).trailer["grpc-status"], "13");
  const post = (type: string, body: Uint8Array<ArrayBuffer> | string) =>
    fetch(port.url + CHECK, { method: "POST", headers: { "content-type": type }, body });
  const proto = await post("application/proto", new Uint8Array([0x0a, 0xff]));
  assert.deepEqual([proto.status, ((await proto.json()) as { code: string }).code], [500, "internal"]);
  for (const body of ["{", "[]", '{"service":1}', ""]) {
    const json = await post("application/json", body);
    assert.deepEqual([json.status, ((await json.json()) as { code: string }).code], [400, "invalid_argument"], body);
  }
  await stillServes(port);
});

test("answers invalid UTF-8 in a string field with INTERNAL and not with a replaced text", async (t) => {
  const port = await startPort(t, services);
  const answer = await rawGrpc(http2Session(t, port.url), CHECK, envelope(Buffer.from([0x0a, 0x02, 0xc3, 0x28])));
  assert.equal(answer.trailer["grpc-status"], "13");
  await stillServes(port);
});

test("answers broken envelopes with the codes that gRPC lays down", async (t) => {
  const port = await startPort(t, services);
  const session = http2Session(t, port.url);
  const whole = envelope(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service: "s" })));
  for (const [what, body, code] of [
    ["no message", Buffer.alloc(0), Code.Unimplemented],
    ["half a header", Buffer.from([0, 0]), Code.InvalidArgument],
    ["less than announced", whole.subarray(0, -1), Code.InvalidArgument],
    ["two messages", Buffer.concat([whole, whole]), Code.Unimplemented],
    ["a size of 4 GiB", Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), Code.ResourceExhausted],
    ["compressed without an encoding", Buffer.from([1, ...whole.subarray(1)]), Code.Internal],
  ] as const) {
    assert.equal(Number((await rawGrpc(session, CHECK, body)).trailer["grpc-status"]), code, what);
  }
  await stillServes(port);
});

test("does not inflate a compressed message beyond the limit", async (t) => {
  const port = await startPort(t, services);
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  const response = await fetch(port.url + CHECK, {
    method: "POST",
    headers: { "content-type": "application/proto", "content-encoding": "gzip" },
    body: bomb,
  });
  assert.equal(((await response.json()) as { code: string }).code, "resource_exhausted");
  await stillServes(port);
});

test("answers foreign content types with 415 and foreign HTTP methods with 405", async (t) => {
  const port = await startPort(t, services);
  for (const type of [
    "text/plain",
    "application/xml",
    "application/x-www-form-urlencoded",
    "nonsense",
    "image/png; q",
  ]) {
    const response = await fetch(port.url + CHECK, { method: "POST", headers: { "content-type": type }, body: "{}" });
    assert.equal(response.status, 415, type);
    await response.body?.cancel();
  }
  const none = await fetch(port.url + CHECK, { method: "POST", body: new Uint8Array([1]) });
  assert.equal(none.status, 415);
  await none.body?.cancel();
  for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS"]) {
    const response = await fetch(port.url + CHECK, {
      method,
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    assert.equal(response.status, 405, method);
    await response.body?.cancel();
  }
  await stillServes(port);
});

test("answers a request without a valid host with 400", async (t) => {
  const port = await startPort(t, services);
  for (const host of [
    "HTTP/1.1\r\nHost: [",
    "HTTP/1.1\r\nHost: a b",
    "HTTP/1.1\r\nHost: x:99999",
    "HTTP/1.0",
    "HTTP/1.1",
  ]) {
    const socket = await openSocket(t, port.port);
    socket.write(
      `POST ${CHECK} ${host}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
    );
    assert.match(await readAll(socket), /^HTTP\/1\.1 400 /, host);
  }
  await stillServes(port);
});

test("answers the probes of balancers that name no host", async (t) => {
  const port = await startPort(t, services);
  for (const path of ["/readyz", "/healthz"]) {
    for (const rest of ["HTTP/1.0\r\n\r\n", "HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n"]) {
      const socket = await openSocket(t, port.port);
      socket.write(`GET ${path} ${rest}`);
      assert.match(await readAll(socket), /^HTTP\/1\.1 200 [\s\S]*\{"status":"(ok|ready)"\}$/, `${path} ${rest}`);
    }
  }
});

test("answers a path that cannot be decoded and an unknown page with an error of the client", async (t) => {
  const port = await startPort(t, services);
  for (const [path, status] of [
    ["/%ff", 400],
    ["/nothing", 404],
    ["/../../etc/passwd", 404],
    [`/${"x".repeat(9000)}`, 404],
  ] as const) {
    const response = await fetch(port.url + path);
    assert.equal(response.status, status, path);
    await response.body?.cancel();
  }
});

test("survives HTTP/2 requests that nobody should send", async (t) => {
  const port = await startPort(t, services);
  const session = http2Session(t, port.url);
  for (const headers of [
    { ":method": "CONNECT", ":authority": "x" },
    { ":method": "POST", ":path": CHECK, "content-type": "application/grpc", "grpc-timeout": "soon" },
    { ":method": "POST", ":path": CHECK, "content-type": "application/grpc", "grpc-encoding": "lzma" },
    { ":method": "POST", ":path": "*", "content-type": "application/grpc" },
    { ":method": "POST", ":path": CHECK, "content-type": "application/grpc", "content-length": "5" },
  ]) {
    const stream = session.request(headers, { endStream: headers[":method"] !== "CONNECT" });
    stream.on("error", () => {}).resume();
    stream.end();
    await new Promise((resolve) => stream.once("close", resolve));
  }
  await stillServes(port);
});

test("takes a deadline that no timer can reach as none, in each protocol's words", async (t) => {
  const port = await startPort(t, services);
  for (const headers of [
    { "content-type": "application/json", "connect-timeout-ms": "9999999999" },
    { "content-type": "application/grpc-web+json", "grpc-timeout": "99999999H" },
  ]) {
    const body = "grpc-timeout" in headers ? "\0\0\0\0\x02{}" : "{}";
    const response = await fetch(`${port.url}/grpc.health.v1.Health/Check`, { method: "POST", headers, body });
    assert.equal(response.status, 200);
    assert.match(await response.text(), /SERVING/);
  }
});

test("passes a deadline to the handler, whose wait ends as DEADLINE_EXCEEDED", async (t) => {
  const port = await startPort(t, {
    byteStream: {
      async *read(_request, context) {
        yield {};
        await new Promise((_resolve, reject) =>
          context.signal.addEventListener("abort", () => reject(new DOMException("x", "AbortError"))),
        );
      },
    },
  });
  const stream = http2Session(t, port.url).request({
    ":method": "POST",
    ":path": "/google.bytestream.ByteStream/Read",
    "content-type": "application/grpc",
    "grpc-timeout": "50m",
  });
  stream.end(envelope(toBinary(ReadRequestSchema, create(ReadRequestSchema)))).resume();
  const trailers = await new Promise<Record<string, unknown>>((resolve) => stream.once("trailers", resolve));
  assert.equal(trailers["grpc-status"], "4");
});
