import { Agent as HttpAgent } from "node:http";
import {
  type ClientHttp2Session,
  connect as connectHttp2,
  type IncomingHttpHeaders,
  type SecureClientSessionOptions,
} from "node:http2";
import { Agent as HttpsAgent } from "node:https";
import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { type ChannelCredentials, type ChannelOptions, Client, credentials } from "@grpc/grpc-js";

/** How a connect-node client speaks. */
export interface Dialect {
  readonly protocol: "connect-json" | "connect-proto" | "grpc" | "grpc-web";
  readonly httpVersion: "1.1" | "2";
}

/** Every dialect that exists; gRPC proper needs HTTP/2. */
export const dialects: readonly Dialect[] = (["1.1", "2"] as const).flatMap((httpVersion) =>
  (["connect-json", "connect-proto", "grpc", "grpc-web"] as const)
    .filter((protocol) => protocol !== "grpc" || httpVersion === "2")
    .map((protocol) => ({ protocol, httpVersion })),
);

/** What a TLS client needs: whom it trusts, and who it is. */
export interface ClientTls {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

function create(dialect: Dialect, options: Parameters<typeof createConnectTransport>[0]): Transport {
  switch (dialect.protocol) {
    case "grpc":
      return createGrpcTransport(options as Parameters<typeof createGrpcTransport>[0]);
    case "grpc-web":
      return createGrpcWebTransport(options);
    default:
      return createConnectTransport({ ...options, useBinaryFormat: dialect.protocol === "connect-proto" });
  }
}

/** Makes a connect-node transport whose connections end with the test. */
export function transportOf(t: TestContext, url: string, dialect: Dialect, tls?: ClientTls): Transport {
  if (dialect.httpVersion === "2") {
    const sessionManager = new Http2SessionManager(url, {}, { ...tls });
    t.after(() => sessionManager.abort());
    return create(dialect, { baseUrl: url, httpVersion: "2", sessionManager });
  }
  const agent = tls ? new HttpsAgent({ keepAlive: true, ...tls }) : new HttpAgent({ keepAlive: true });
  t.after(() => agent.destroy());
  return create(dialect, { baseUrl: url, httpVersion: "1.1", nodeOptions: { agent } });
}

/** Makes a @grpc/grpc-js client without generated code. */
export function grpcJsClient(
  t: TestContext,
  port: number,
  options: ChannelOptions = {},
  secure: ChannelCredentials = credentials.createInsecure(),
): Client {
  const client = new Client(`127.0.0.1:${port}`, secure, options);
  t.after(() => client.close());
  return client;
}

/** What grpc-js calls a serializer, for a message type. */
export function serializer<D extends DescMessage>(desc: D): (message: MessageShape<D>) => Buffer {
  return (message) => Buffer.from(toBinary(desc, message));
}

/** What grpc-js calls a deserializer, for a message type. */
export function deserializer<D extends DescMessage>(desc: D): (bytes: Buffer) => MessageShape<D> {
  return (bytes) => fromBinary(desc, bytes);
}

/** Connects node:http2's own client; the session ends with the test. */
export function http2Session(
  t: TestContext,
  url: string,
  options: SecureClientSessionOptions = {},
): ClientHttp2Session {
  const session = connectHttp2(url, options);
  session.on("error", () => {});
  t.after(() => session.destroy());
  return session;
}

/** What a gRPC server answered. */
export interface RawAnswer {
  readonly header: IncomingHttpHeaders;
  readonly trailer: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Wraps a message as gRPC, gRPC-Web and Connect streams do. */
export function envelope(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Sends bytes as the body of a gRPC call, whatever they are, and reads all of the answer. */
export async function rawGrpc(session: ClientHttp2Session, path: string, body: Uint8Array): Promise<RawAnswer> {
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
  });
  let header: IncomingHttpHeaders = {};
  let trailer: IncomingHttpHeaders = {};
  stream.on("response", (headers) => {
    header = headers;
  });
  stream.on("trailers", (headers) => {
    trailer = headers;
  });
  stream.end(body);
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return { header, trailer, body: Buffer.concat(chunks) };
}

/** Opens a bare TCP connection and waits until it is there. */
export async function openSocket(t: TestContext, port: number, allowHalfOpen = false): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen });
  socket.on("error", () => {});
  t.after(() => socket.destroy());
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return socket;
}

/** Everything that the other side sends until it closes. */
export async function readAll(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
  });
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
  return text;
}
