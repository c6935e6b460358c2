import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { ByteStream } from "../../gen/google/bytestream/bytestream_pb.ts";
import { RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { createReadiness } from "../../src/base/readiness.ts";
import { fakeClock } from "../helpers/fake-clock.ts";
import { type Dialect, dialects, envelope, http2Session, openSocket, readAll, transportOf } from "./clients.ts";
import { startPort, type TestPort, until } from "./port.ts";

const LONG_MS = 60_000;
const grpc: Dialect = { protocol: "grpc", httpVersion: "2" };

function forever(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

function assertUnavailable(error: unknown): void {
  assert.ok(error instanceof ConnectError, String(error));
  assert.equal(error.code, Code.Unavailable);
  assert.equal(error.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds, 1n);
}

/** A service whose unary call waits for the test. */
function gated() {
  const gate = Promise.withResolvers<void>();
  return {
    open: () => gate.resolve(),
    services: {
      health: {
        async check() {
          await gate.promise;
          return { status: Status.SERVING };
        },
        async *watch(_request: unknown, context: { signal: AbortSignal }) {
          yield { status: Status.SERVING };
          await forever(context.signal);
        },
      },
    },
  };
}

for (const dialect of dialects) {
  const name = `${dialect.protocol} over HTTP/${dialect.httpVersion}`;

  test(`ends open streams with UNAVAILABLE and a RetryInfo by ${name}`, async (t) => {
    const port = await startPort(t, gated().services, { drainMs: LONG_MS });
    const stream = createClient(Health, transportOf(t, port.url, dialect))
      .watch({})
      [Symbol.asyncIterator]();
    assert.equal((await stream.next()).value?.status, Status.SERVING);
    const end = stream.next().then(() => assert.fail("the stream goes on"), assertUnavailable);
    await port.close();
    await end;
    await until("the handler has ended", () => port.running() === 0);
  });

  test(`lets a unary call in flight finish, with its signal untouched, by ${name}`, async (t) => {
    const { open, services } = gated();
    const port = await startPort(t, services, { drainMs: LONG_MS });
    const call = createClient(Health, transportOf(t, port.url, dialect)).check({});
    await until("the handler runs", () => port.running() === 1);
    const close = port.close();
    assert.equal(port.draining.aborted, true);
    open();
    assert.equal((await call).status, Status.SERVING);
    await close;
  });
}

test("ends a bidirectional stream whose client is silent", async (t) => {
  const port = await startPort(
    t,
    {
      reflection: {
        async *serverReflectionInfo(messages) {
          for await (const message of messages) yield { validHost: message.host };
        },
      },
    },
    { drainMs: LONG_MS },
  );
  const open = Promise.withResolvers<void>();
  async function* asks() {
    yield { host: "a" };
    await open.promise;
  }
  const answers = createClient(ServerReflection, transportOf(t, port.url, grpc))
    .serverReflectionInfo(asks())
    [Symbol.asyncIterator]();
  assert.equal((await answers.next()).value?.validHost, "a");
  const end = answers.next().then(() => assert.fail("the stream goes on"), assertUnavailable);
  await port.close();
  await end;
  open.resolve();
});

test("lets an upload in flight finish", async (t) => {
  const port = await startPort(
    t,
    {
      byteStream: {
        async write(messages) {
          let size = 0;
          for await (const { data } of messages) size += data.length;
          return { committedSize: BigInt(size) };
        },
      },
    },
    { drainMs: LONG_MS },
  );
  const second = Promise.withResolvers<void>();
  async function* pieces() {
    yield { data: Buffer.alloc(10) };
    await second.promise;
    yield { data: Buffer.alloc(5) };
  }
  const call = createClient(ByteStream, transportOf(t, port.url, grpc)).write(pieces());
  await until("the handler runs", () => port.running() === 1);
  const close = port.close();
  second.resolve();
  assert.equal((await call).committedSize, 15n);
  await close;
});

test("a handler that watches the drain answers its long poll early", async (t) => {
  const drain = new AbortController();
  const port = await startPort(
    t,
    {
      health: {
        async check() {
          await forever(drain.signal).catch(() => {});
          return { status: Status.NOT_SERVING };
        },
      },
    },
    { drain, drainMs: LONG_MS },
  );
  const call = createClient(Health, transportOf(t, port.url, grpc)).check({});
  await until("the handler runs", () => port.running() === 1);
  await port.close();
  assert.equal((await call).status, Status.NOT_SERVING);
});

test("refuses new calls with UNAVAILABLE and a RetryInfo as soon as the drain begins", async (t) => {
  const port = await startPort(t, gated().services, { drainMs: LONG_MS });
  const clients = dialects.map((dialect) => createClient(Health, transportOf(t, port.url, dialect)));
  port.drain.abort();
  for (const client of clients) {
    await client.check({}).then(() => assert.fail("the call succeeded"), assertUnavailable);
    await client
      .watch({})
      [Symbol.asyncIterator]()
      .next()
      .then(() => assert.fail("the call succeeded"), assertUnavailable);
  }
});

/** Waits until the port takes no new connections, which is the moment when open ones are told. */
async function untilRefused(port: TestPort): Promise<void> {
  while (
    await fetch(`${port.url}/healthz`).then(
      () => true,
      () => false,
    )
  );
}

test("tells probes that it is alive but not ready while it drains", async (t) => {
  const port = await startPort(t, {});
  const probe = async (path: string) => {
    const response = await fetch(port.url + path);
    return [response.status, await response.json()];
  };
  assert.deepEqual(await probe("/readyz"), [200, { status: "ready" }]);
  port.drain.abort();
  assert.deepEqual(await probe("/readyz"), [503, { status: "draining" }]);
  assert.deepEqual(await probe("/healthz"), [200, { status: "ok" }]);
});

test("is not ready while what it stands on fails or does not answer, and asks it once for all probes", async (t) => {
  const clock = fakeClock();
  let asked = 0;
  let answer: () => Promise<void> = async () => {};
  const ready = () => {
    asked += 1;
    return answer();
  };
  const readiness = createReadiness({ ready, draining: new AbortController().signal, clock });
  const port = await startPort(t, {}, { clock, readiness });
  const probe = async () => {
    const response = await fetch(`${port.url}/readyz`);
    return [response.status, await response.json()];
  };
  const red = [503, { status: "unavailable" }];
  answer = () => Promise.reject(new Error("gone"));
  assert.deepEqual(await probe(), red);

  const hanging = Promise.withResolvers<void>();
  answer = () => hanging.promise;
  const before = clock.pending();
  const probes = [probe(), probe()];
  await until("both probes wait", () => clock.pending() === before + 2);
  await clock.advance(2000);
  assert.deepEqual(await Promise.all(probes), [red, red]);
  assert.equal(asked, 2);

  hanging.resolve();
  answer = async () => {};
  assert.deepEqual(await probe(), [200, { status: "ready" }]);
  assert.equal(asked, 3);
});

const POST_CHECK =
  "POST /grpc.health.v1.Health/Check HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

test("announces with the last answer of an HTTP/1.1 connection that it closes", async (t) => {
  const { open, services } = gated();
  const port = await startPort(t, services, { drainMs: LONG_MS });
  const socket = await openSocket(t, port.port);
  socket.write(POST_CHECK);
  await until("the handler runs", () => port.running() === 1);
  const close = port.close();
  await untilRefused(port);
  open();
  assert.match(await readAll(socket), /^HTTP\/1\.1 200 OK[\s\S]*connection: close[\s\S]*{"status":"SERVING"}$/i);
  await close;
});

test("sends all answers to pipelined requests that came before the drain", async (t) => {
  const { open, services } = gated();
  const port = await startPort(t, services, { drainMs: LONG_MS });
  const socket = await openSocket(t, port.port);
  socket.write(POST_CHECK + POST_CHECK);
  await until("both handlers run", () => port.running() === 2);
  const close = port.close();
  open();
  assert.equal((await readAll(socket)).match(/{"status":"SERVING"}/g)?.length, 2);
  await close;
});

test("does not cut an answer that is complete but not yet sent", async (t) => {
  const size = 20_000_000;
  const port = await startPort(
    t,
    { health: { list: () => ({ statuses: { ["x".repeat(size)]: {} } }) } },
    { drainMs: LONG_MS },
  );
  const socket = await openSocket(t, port.port);
  socket.write(POST_CHECK.replace("Check", "List"));
  await new Promise((resolve) => socket.once("readable", resolve));
  const close = port.close();
  await untilRefused(port);
  assert.ok((await readAll(socket)).length > size);
  await close;
});

test("sends a GOAWAY to idle HTTP/2 connections and closes idle HTTP/1.1 ones at once", async (t) => {
  const port = await startPort(t, {}, { drainMs: LONG_MS });
  const session = http2Session(t, port.url);
  const goaway = new Promise((resolve) => session.once("goaway", resolve));
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  const idle = await openSocket(t, port.port);
  idle.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  await new Promise((resolve) => idle.once("data", resolve));
  const silentEnd = readAll(await openSocket(t, port.port));
  await until("all are there", () => port.connections().sockets === 3);
  await port.close();
  assert.equal(await goaway, 0);
  await silentEnd;
});

test("closes an HTTP/1.1 connection that becomes idle while it drains", async (t) => {
  const { open, services } = gated();
  const port = await startPort(t, services, { drainMs: LONG_MS });
  const client = createClient(Health, transportOf(t, port.url, { protocol: "grpc-web", httpVersion: "1.1" }));
  const call = client.check({});
  await until("the handler runs", () => port.running() === 1);
  const close = port.close();
  open();
  await call;
  await close;
});

async function cutOff(port: TestPort, call: Promise<unknown>): Promise<void> {
  await until("the handler runs", () => port.running() === 1);
  const failure = call.then(() => assert.fail("the call succeeded"), ConnectError.from);
  await port.close();
  assert.ok(await failure);
  await until("the handler has ended", () => port.running() === 0);
  assert.ok(port.log.lines.some((line) => line.level === "warn" && line.fields.connections === 1));
}

for (const dialect of dialects) {
  test(`cuts a call that does not end in time by ${dialect.protocol} over HTTP/${dialect.httpVersion}`, async (t) => {
    const stubborn = { check: (_request: unknown, context: { signal: AbortSignal }) => forever(context.signal) };
    const port = await startPort(t, { health: stubborn }, { drainMs: 30 });
    await cutOff(port, createClient(Health, transportOf(t, port.url, dialect)).check({}));
  });
}

test("cuts a stream whose client does not read", async (t) => {
  const port = await startPort(
    t,
    {
      byteStream: {
        async *read() {
          for (;;) yield { data: Buffer.alloc(100_000) };
        },
      },
    },
    { drainMs: 30 },
  );
  const stream = http2Session(t, port.url).request({
    ":method": "POST",
    ":path": "/google.bytestream.ByteStream/Read",
    "content-type": "application/grpc",
  });
  stream.end(envelope(new Uint8Array()));
  const end = new Promise((_resolve, reject) =>
    stream.once("error", reject).once("close", () => reject(new Error("cut"))),
  );
  await cutOff(port, end);
});

test("closing twice is closing once", async (t) => {
  const port = await startPort(t, {});
  assert.equal(port.close(), port.close());
  await port.close();
  await port[Symbol.asyncDispose]();
  await assert.rejects(fetch(port.url));
});
