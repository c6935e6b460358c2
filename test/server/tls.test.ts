import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { type AddressInfo, createConnection, createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { credentials } from "@grpc/grpc-js";
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "../../gen/grpc/health/v1/health_pb.ts";
import type { TlsOptions } from "../../src/server/server.ts";
import { noOpenssl, testCertificates } from "./certificates.ts";
import { type ClientTls, deserializer, grpcJsClient, openSocket, readAll, serializer, transportOf } from "./clients.ts";
import { startPort, type TestServices, testLimits, until } from "./port.ts";

const services: TestServices = { health: { check: () => ({ status: Status.SERVING }) } };
function serverTls(clientAuth: TlsOptions["clientAuth"]): TlsOptions {
  const { ca, server } = testCertificates();
  return { ...server, clientCa: ca, clientAuth };
}

const serving = (url: string, t: TestContext, tls?: ClientTls) =>
  Promise.all(
    (["1.1", "2"] as const).map((httpVersion) =>
      createClient(Health, transportOf(t, url, { protocol: "connect-json", httpVersion }, tls)).check({}),
    ),
  );

for (const [clientAuth, none, known, stranger] of [
  ["none", true, true, true],
  ["optional", true, true, false],
  ["required", false, true, false],
] as const) {
  test(`admits the right clients when client certificates are "${clientAuth}"`, { skip: noOpenssl }, async (t) => {
    const port = await startPort(t, services, { tls: serverTls(clientAuth) });
    const { ca, client, stranger: foreign } = testCertificates();
    for (const [identity, admitted] of [
      [{}, none],
      [client, known],
      [foreign, stranger],
    ] as const) {
      const calls = serving(port.url, t, { ca, ...identity });
      if (admitted) await calls;
      else await assert.rejects(calls);
    }
    await until("the refused are gone", () => port.connections().http2Sessions <= 3);
  });
}

test("admits @grpc/grpc-js with a client certificate", { skip: noOpenssl }, async (t) => {
  const port = await startPort(t, services, { tls: serverTls("required") });
  const { ca, client } = testCertificates();
  const secure = credentials.createSsl(Buffer.from(ca), Buffer.from(client.key), Buffer.from(client.cert));
  const stub = grpcJsClient(t, port.port, { "grpc.ssl_target_name_override": "localhost" }, secure);
  const reply = await new Promise((resolve, reject) => {
    stub.makeUnaryRequest(
      "/grpc.health.v1.Health/Check",
      serializer(HealthCheckRequestSchema),
      deserializer(HealthCheckResponseSchema),
      create(HealthCheckRequestSchema),
      (error, value) => (error ? reject(error) : resolve(value)),
    );
  });
  assert.deepEqual(reply, create(HealthCheckResponseSchema, { status: Status.SERVING }));
});

test("refuses plaintext when it is told to, and says so to HTTP/1.1", { skip: noOpenssl }, async (t) => {
  const port = await startPort(t, services, { tls: serverTls("none"), plaintext: "refuse" });
  await serving(port.url, t, { ca: testCertificates().ca });
  const socket = await openSocket(t, port.port);
  socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  assert.match(await readAll(socket), /^HTTP\/1\.1 400 [\s\S]*TLS only/);
  const prior = await openSocket(t, port.port);
  prior.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  assert.equal(await readAll(prior), "");
});

test("drops a TLS client when no certificate is configured", async (t) => {
  const port = await startPort(t, services);
  await assert.rejects(serving(`https://127.0.0.1:${port.port}`, t, { ca: "" }));
  await until("the connections are gone", () => port.connections().sockets === 0);
});

async function alpn(t: TestContext, port: number, protocols?: string[]): Promise<TLSSocket> {
  const { ca } = testCertificates();
  const socket = connect({ host: "127.0.0.1", port, ca, ...(protocols && { ALPNProtocols: protocols }) });
  t.after(() => socket.destroy());
  await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  return socket;
}

test("chooses HTTP/2 by ALPN, and HTTP/1.1 for clients without ALPN", { skip: noOpenssl }, async (t) => {
  const port = await startPort(t, services, { tls: serverTls("none") });
  assert.equal((await alpn(t, port.port, ["http/1.1", "h2"])).alpnProtocol, "h2");
  assert.equal((await alpn(t, port.port, ["http/1.1"])).alpnProtocol, "http/1.1");
  await assert.rejects(alpn(t, port.port, ["spdy/3"]));
  const plain = await alpn(t, port.port);
  plain.write("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  assert.match(await readAll(plain), /^HTTP\/1\.1 200 /);
});

test("drops a client that does not finish its handshake in time, and one that breaks it", {
  skip: noOpenssl,
}, async (t) => {
  const limits = { ...testLimits, headersTimeoutMs: 100 };
  const port = await startPort(t, services, { tls: serverTls("none"), limits });
  const hello = "\x16\x03\x01\x02\x00\x01";
  const stalled = await openSocket(t, port.port);
  stalled.write(hello, "latin1");
  const broken = await openSocket(t, port.port);
  broken.write(hello + "\xff".repeat(600), "latin1");
  await Promise.all([readAll(stalled), readAll(broken)]);
  await until("the connections are gone", () => port.connections().sockets === 0);
});

test("cuts a handshake that is still going on when the drain ends", { skip: noOpenssl }, async (t) => {
  const port = await startPort(t, services, { tls: serverTls("none"), drainMs: 30 });
  const stalled = await openSocket(t, port.port);
  stalled.write("\x16\x03\x01\x02\x00\x01", "latin1");
  await until("it is there", () => port.connections().sockets === 1);
  await port.close();
  assert.equal(port.connections().sockets, 0);
});

/** A relay to the server that lets only the first packet of its client through until it is opened. */
async function holdingRelay(t: TestContext, port: number) {
  const gate = Promise.withResolvers<void>();
  let packets = 0;
  const relay = createServer((client) => {
    const upstream = createConnection({ host: "127.0.0.1", port });
    for (const socket of [client, upstream]) {
      socket.on("error", () => {});
      t.after(() => socket.destroy());
    }
    upstream.pipe(client);
    client.on("data", (packet) => {
      if (packets++ === 0) upstream.write(packet);
      else gate.promise.then(() => upstream.write(packet));
    });
    client.on("end", () => upstream.end());
  }).listen(0, "127.0.0.1");
  t.after(() => relay.close());
  await once(relay, "listening");
  return { port: (relay.address() as AddressInfo).port, holds: () => packets > 1, open: () => gate.resolve() };
}

for (const protocol of ["h2", "http/1.1"]) {
  test(`sends a client away that completes its handshake during the drain: ${protocol}`, {
    skip: noOpenssl,
  }, async (t) => {
    const port = await startPort(t, services, { tls: serverTls("none"), drainMs: 60_000 });
    const relay = await holdingRelay(t, port.port);
    const socket = connect({
      host: "127.0.0.1",
      port: relay.port,
      ca: testCertificates().ca,
      ALPNProtocols: [protocol],
    });
    socket.on("error", () => {});
    t.after(() => socket.destroy());
    if (protocol === "h2") connectHttp2("https://127.0.0.1", { createConnection: () => socket }).on("error", () => {});
    await until("the handshake is held", relay.holds);
    const close = port.close();
    while (
      await fetch(`http://127.0.0.1:${port.port}/healthz`).then(
        () => true,
        () => false,
      )
    );
    relay.open();
    socket.resume();
    await close;
  });
}
