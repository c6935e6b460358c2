import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { compressionAlgorithms, credentials } from "@grpc/grpc-js";
import {
  ByteStream,
  QueryWriteStatusRequestSchema,
  QueryWriteStatusResponseSchema,
  ReadRequestSchema,
  ReadResponseSchema,
} from "../../gen/google/bytestream/bytestream_pb.ts";
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "../../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { noOpenssl, testCertificates } from "./certificates.ts";
import { deserializer, dialects, grpcJsClient, serializer, transportOf } from "./clients.ts";
import { startPort, type TestServices } from "./port.ts";

const run = promisify(execFile);
const noCurl = spawnSync("curl", ["--version"]).error ? "needs curl" : false;

const services: TestServices = {
  health: { check: () => ({ status: Status.SERVING }) },
  byteStream: {
    async *read(request) {
      for (let i = 0; i < 3; i++) yield { data: Buffer.from(`${request.resourceName}${i}`) };
    },
    async write(messages) {
      let size = 0;
      for await (const message of messages) size += message.data.length;
      return { committedSize: BigInt(size) };
    },
  },
  reflection: {
    async *serverReflectionInfo(messages) {
      for await (const message of messages) yield { validHost: message.host };
    },
  },
};

async function* pieces() {
  for (let i = 0; i < 4; i++) yield { data: Buffer.alloc(100_000, i) };
}

async function* hosts() {
  yield { host: "a" };
  yield { host: "b" };
}

async function callEveryKind(transport: Transport, bidi: boolean): Promise<void> {
  const bytes = createClient(ByteStream, transport);
  assert.equal((await createClient(Health, transport).check({})).status, Status.SERVING);
  const read: string[] = [];
  for await (const { data } of bytes.read({ resourceName: "x" })) read.push(Buffer.from(data).toString());
  assert.deepEqual(read, ["x0", "x1", "x2"]);
  assert.equal((await bytes.write(pieces())).committedSize, 400_000n);
  if (!bidi) return;
  const answers: string[] = [];
  for await (const { validHost } of createClient(ServerReflection, transport).serverReflectionInfo(hosts())) {
    answers.push(validHost);
  }
  assert.deepEqual(answers, ["a", "b"]);
}

for (const dialect of dialects) {
  test(`answers ${dialect.protocol} over HTTP/${dialect.httpVersion} in plaintext`, async (t) => {
    const port = await startPort(t, services);
    await callEveryKind(transportOf(t, port.url, dialect), dialect.httpVersion === "2");
  });
}

test("answers every protocol over TLS and plaintext on the same port", { skip: noOpenssl }, async (t) => {
  const { ca, server } = testCertificates();
  const port = await startPort(t, services, { tls: { ...server, clientCa: undefined, clientAuth: "none" } });
  assert.equal(port.url, `https://127.0.0.1:${port.port}`);
  for (const dialect of dialects) {
    const bidi = dialect.httpVersion === "2";
    await callEveryKind(transportOf(t, port.url, dialect, { ca }), bidi);
    await callEveryKind(transportOf(t, `http://127.0.0.1:${port.port}`, dialect), bidi);
  }
});

test("answers @grpc/grpc-js in plaintext and over TLS", { skip: noOpenssl }, async (t) => {
  const { ca, server } = testCertificates();
  const port = await startPort(t, services, { tls: { ...server, clientCa: undefined, clientAuth: "none" } });
  for (const secure of [credentials.createInsecure(), credentials.createSsl(Buffer.from(ca))]) {
    const client = grpcJsClient(t, port.port, { "grpc.ssl_target_name_override": "localhost" }, secure);
    const reply = await new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        "/grpc.health.v1.Health/Check",
        serializer(HealthCheckRequestSchema),
        deserializer(HealthCheckResponseSchema),
        create(HealthCheckRequestSchema),
        (error, value) => (error ? reject(error) : resolve(value)),
      );
    });
    assert.deepEqual(reply, create(HealthCheckResponseSchema, { status: Status.SERVING }));
    const stream = client.makeServerStreamRequest(
      "/google.bytestream.ByteStream/Read",
      serializer(ReadRequestSchema),
      deserializer(ReadResponseSchema),
      create(ReadRequestSchema, { resourceName: "y" }),
    );
    const read: string[] = [];
    for await (const message of stream) read.push(Buffer.from(message.data).toString());
    assert.deepEqual(read, ["y0", "y1", "y2"]);
  }
});

test("takes the gzip-compressed requests of @grpc/grpc-js", async (t) => {
  let encoding: string | null = null;
  const port = await startPort(t, {
    byteStream: {
      queryWriteStatus: (request, context) => {
        encoding = context.requestHeader.get("grpc-encoding");
        return { committedSize: BigInt(request.resourceName.length) };
      },
    },
  });
  const client = grpcJsClient(t, port.port, { "grpc.default_compression_algorithm": compressionAlgorithms.gzip });
  const reply = await new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      "/google.bytestream.ByteStream/QueryWriteStatus",
      serializer(QueryWriteStatusRequestSchema),
      deserializer(QueryWriteStatusResponseSchema),
      create(QueryWriteStatusRequestSchema, { resourceName: "z".repeat(50_000) }),
      (error, value) => (error ? reject(error) : resolve(value)),
    );
  });
  assert.deepEqual(reply, create(QueryWriteStatusResponseSchema, { committedSize: 50_000n }));
  assert.equal(encoding, "gzip");
});

test("never compresses a response, however large, for a client that would take it", async (t) => {
  const port = await startPort(t, {
    byteStream: {
      async *read() {
        yield { data: Buffer.alloc(1_000_000) };
      },
    },
  });
  const request = toBinary(ReadRequestSchema, create(ReadRequestSchema));
  const response = await fetch(`${port.url}/google.bytestream.ByteStream/Read`, {
    method: "POST",
    headers: {
      "content-type": "application/grpc-web+proto",
      "grpc-accept-encoding": "gzip",
      "accept-encoding": "gzip",
    },
    body: new Uint8Array([0, 0, 0, 0, request.length, ...request]),
  });
  const body = Buffer.from(await response.arrayBuffer());
  assert.equal(body[0], 0, "the compressed flag is not set");
  assert.ok(body.length > 1_000_000);
});

test("answers a Connect GET of a method without side effects", async (t) => {
  const port = await startPort(t, services);
  const transport = createConnectTransport({ baseUrl: port.url, httpVersion: "1.1", useHttpGet: true });
  assert.equal((await createClient(Health, transport).check({})).status, Status.SERVING);
  const check = await fetch(`${port.url}/grpc.health.v1.Health/Check?encoding=json&message=%7B%7D`);
  assert.deepEqual([check.status, await check.json()], [200, { status: "SERVING" }]);
  const read = await fetch(`${port.url}/google.bytestream.ByteStream/Read?encoding=json&message=%7B%7D`);
  assert.equal(read.status, 405);
});

test("answers curl with JSON over HTTP/1.1, h2c with prior knowledge and an Upgrade offer", {
  skip: noCurl,
}, async (t) => {
  const port = await startPort(t, services);
  const url = `${port.url}/grpc.health.v1.Health/Check`;
  const json = ["-sS", "-m", "5", "-H", "content-type: application/json", "-d", "{}", "-w", " %{http_version}", url];
  assert.equal((await run("curl", ["--http1.1", ...json])).stdout, '{"status":"SERVING"} 1.1');
  assert.equal((await run("curl", ["--http2-prior-knowledge", ...json])).stdout, '{"status":"SERVING"} 2');
  assert.equal((await run("curl", ["--http2", ...json])).stdout, '{"status":"SERVING"} 1.1');
});
