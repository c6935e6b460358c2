import assert from "node:assert/strict";
import { createServer as createNetServer, type Socket } from "node:net";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createRegistry } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/grpc/health/v1/health_pb.ts";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { createReadiness } from "../../src/base/readiness.ts";
import { createServer } from "../../src/server/server.ts";
import { fakeClock } from "../helpers/fake-clock.ts";
import { http2Session, openSocket, readAll, transportOf } from "./clients.ts";
import { startPort, type TestServices, testLimits, until } from "./port.ts";

const services: TestServices = { health: { check: () => ({ status: Status.SERVING }) } };
const GET = "GET /healthz HTTP/1.1\r\nHost: x\r\n";
const H2_PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.resume().once("close", resolve));
}

test("drops a connection that does not send its first bytes in time", async (t) => {
  const clock = fakeClock();
  const port = await startPort(t, services, { clock, limits: { ...testLimits, firstByteTimeoutMs: 1000 } });
  const silent = await openSocket(t, port.port);
  const slow = await openSocket(t, port.port);
  slow.write("PR");
  await until("both are accepted", () => port.connections().sockets === 2);
  await clock.advance(999);
  assert.equal(port.connections().sockets, 2);
  await clock.advance(1);
  await Promise.all([closed(silent), closed(slow)]);
  assert.equal(clock.pending(), 0);
});

test("answers 408 to an HTTP/1.1 request whose header does not end in time", async (t) => {
  const port = await startPort(t, services, { limits: { ...testLimits, headersTimeoutMs: 100 } });
  const socket = await openSocket(t, port.port);
  socket.write(GET);
  assert.match(await readAll(socket), /^HTTP\/1\.1 408 /);
});

test("drops an HTTP/2 connection that does not complete its preface in time", async (t) => {
  const port = await startPort(t, services, { limits: { ...testLimits, headersTimeoutMs: 50 } });
  for (const start of ["PRI * HTTP/2.0", H2_PREFACE]) {
    const socket = await openSocket(t, port.port);
    socket.write(start);
    await closed(socket);
  }
  const proper = http2Session(t, port.url);
  await new Promise((resolve) => proper.once("remoteSettings", resolve));
  await delay(150);
  assert.equal(port.connections().http2Sessions, 1);
});

test("drops garbage without an answer", async (t) => {
  const port = await startPort(t, services);
  for (const garbage of [
    "\0\0\0\0",
    "\x16\x03\x01\x00\x05hello",
    "\x16\x15\x14",
    "ssh-2.0-x\r\n",
    "G\r\n",
    "\r\n\r\n\r\n",
    "\xff\xfe\xfd",
  ]) {
    const socket = await openSocket(t, port.port);
    socket.write(garbage, "latin1");
    assert.equal(await readAll(socket), "", JSON.stringify(garbage));
  }
  await until("all connections are gone", () => port.connections().sockets === 0);
});

test("drops a connection that turns to garbage after a good beginning", async (t) => {
  const port = await startPort(t, services);
  for (const start of [H2_PREFACE, `${H2_PREFACE}\0\0\0\x04\0\0\0\0\0`, "GET ", "PRI * HTTP/3"]) {
    const socket = await openSocket(t, port.port);
    socket.write(start + "\xff\x00\x17".repeat(1000), "latin1");
    await closed(socket);
  }
  await until("all connections are gone", () => port.connections().sockets === 0);
  assert.equal(
    (await createClient(Health, transportOf(t, port.url, { protocol: "grpc", httpVersion: "2" })).check({})).status,
    1,
  );
});

test("recognises a protocol that arrives byte by byte", async (t) => {
  const port = await startPort(t, services);
  const one = await openSocket(t, port.port);
  for (const byte of `${GET}Connection: close\r\n\r\n`) {
    one.write(byte);
    await delay(1);
  }
  assert.match(await readAll(one), /^HTTP\/1\.1 200 [\s\S]*{"status":"ok"}$/);
  const two = await openSocket(t, port.port);
  const answer = new Promise<Buffer>((resolve) => two.once("data", resolve));
  for (const byte of `${H2_PREFACE}\0\0\0\x04\0\0\0\0\0`) {
    two.write(byte, "latin1");
    await delay(1);
  }
  assert.equal((await answer)[3], 4, "a SETTINGS frame");
});

test("answers pipelined HTTP/1.1 requests that arrive in the packet of the first byte", async (t) => {
  const port = await startPort(t, services);
  const socket = await openSocket(t, port.port);
  socket.write(`${GET}\r\n${GET}\r\n${GET}Connection: close\r\n\r\n`);
  assert.equal((await readAll(socket)).match(/{"status":"ok"}/g)?.length, 3);
});

test("answers an HTTP/1.1 client that closes its side with the request, and lets go of both sides", async (t) => {
  const port = await startPort(t, services);
  const socket = await openSocket(t, port.port, true);
  socket.end(`${GET}\r\n`);
  assert.match(await readAll(socket), /^HTTP\/1\.1 200 /);
  await until("the connection is gone", () => port.connections().sockets === 0);
});

test("lets go of clients of any protocol that close without a word", async (t) => {
  const port = await startPort(t, services);
  for (const start of ["", "G", "PRI", `${GET}\r\n`, H2_PREFACE]) {
    const socket = await openSocket(t, port.port, true);
    if (start) socket.write(start);
    socket.end();
    await closed(socket);
  }
  await until("the connections are gone", () => port.connections().sockets === 0);
  assert.equal(port.connections().http2Sessions, 0);
});

test("closes connections above the limit and takes new ones when there is room", async (t) => {
  const port = await startPort(t, services, { limits: { ...testLimits, maxConnections: 2 } });
  const first = await openSocket(t, port.port);
  await openSocket(t, port.port);
  await until("both are accepted", () => port.connections().sockets === 2);
  await closed(await openSocket(t, port.port));
  first.destroy();
  await until("there is room", () => port.connections().sockets === 1);
  const third = await openSocket(t, port.port);
  third.write(`${GET}Connection: close\r\n\r\n`);
  assert.match(await readAll(third), /200 OK/);
});

test("announces large windows and the stream limit to HTTP/2 clients", async (t) => {
  const port = await startPort(t, services, { limits: { ...testLimits, maxConcurrentStreams: 77 } });
  const session = http2Session(t, port.url);
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  assert.equal(session.remoteSettings.maxConcurrentStreams, 77);
  assert.equal(session.remoteSettings.initialWindowSize, 4 * 1024 * 1024);
  await until("the session window has grown", () => session.state.remoteWindowSize === 16 * 1024 * 1024);
});

test("two servers in one process do not meet", async (t) => {
  const [one, two] = await Promise.all([startPort(t, services), startPort(t, {})]);
  assert.notEqual(one.port, two.port);
  await two.close();
  const health = createClient(Health, transportOf(t, one.url, { protocol: "grpc", httpVersion: "2" }));
  assert.equal((await health.check({})).status, Status.SERVING);
});

test("binds the name localhost at one address", async (t) => {
  const port = await startPort(t, services, { listen: { host: "localhost", port: 0 } });
  assert.equal(port.host, "127.0.0.1");
  assert.equal((await fetch(`${port.url}/healthz`)).status, 200);
});

test("rejects, and leaves nothing behind, when the address is taken or unknown", async (t) => {
  const squatter = createNetServer().listen(0, "127.0.0.1");
  t.after(() => squatter.close());
  await new Promise((resolve) => squatter.once("listening", resolve));
  const { port } = squatter.address() as { port: number };
  const drain = new AbortController();
  const listen = (host: string, port: number) =>
    createServer({
      listen: { host, port },
      tls: undefined,
      plaintext: "allow",
      corsOrigins: [],
      limits: testLimits,
      drainMs: 100,
      drain,
      readiness: createReadiness({ ready: async () => {}, draining: drain.signal, clock: systemClock }),
      about: { name: "opgrid", version: "0.0.0", docs: "" },
      dashboard: undefined,
      log: silentLog,
      clock: systemClock,
      routes: () => {},
      interceptors: [],
      registry: createRegistry(),
    });
  await assert.rejects(listen("127.0.0.1", port), { code: "EADDRINUSE" });
  await assert.rejects(listen("no-such-host.invalid", 0), { syscall: "getaddrinfo" });
});
