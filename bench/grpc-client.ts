import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";
import { messagesOf } from "./frames.ts";

/** A whole request, or its pieces, which are sent as fast as the server takes them. */
export type Body = Buffer | Iterable<Buffer>;

/** gRPC by hand over one HTTP/2 connection: the cheapest client that Node allows, the same for every server. */
export interface GrpcClient extends AsyncDisposable {
  /** Makes one call and counts the bytes of the answer, prefixes included. Rejects when the status is not OK. */
  call(path: string, body: Body, take?: (piece: Buffer) => void): Promise<number>;
  /** Makes one call and answers the messages. */
  messages(path: string, body: Body): Promise<Buffer[]>;
}

const STREAM_WINDOW_BYTES = 4 * 1024 * 1024;
const SESSION_WINDOW_BYTES = 16 * 1024 * 1024;
const SESSION_MEMORY_MIB = 256;

/** Connects in plaintext with prior knowledge. */
export async function createGrpcClient(url: string): Promise<GrpcClient> {
  const session = connect(url, {
    settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
    maxSessionMemory: SESSION_MEMORY_MIB,
  });
  // A broken connection reaches the caller through its calls.
  session.on("error", () => {});
  await once(session, "remoteSettings");
  session.setLocalWindowSize(SESSION_WINDOW_BYTES);

  const call: GrpcClient["call"] = (path, body, take) => exchange(session, path, body, take);
  return {
    call,
    messages: async (path, body) => {
      const pieces: Buffer[] = [];
      await call(path, body, (piece) => void pieces.push(piece));
      return messagesOf(Buffer.concat(pieces));
    },
    [Symbol.asyncDispose]: async () => {
      if (session.destroyed) return;
      session.destroy();
      await once(session, "close");
    },
  };
}

function exchange(session: ClientHttp2Session, path: string, body: Body, take?: (piece: Buffer) => void) {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
  });
  let bytes = 0;
  let status: IncomingHttpHeaders | undefined;
  const keepStatus = (headers: IncomingHttpHeaders) => {
    if (headers["grpc-status"] !== undefined) status = headers;
  };
  stream.on("response", keepStatus);
  stream.on("trailers", keepStatus);
  stream.on("error", reject);
  stream.on("data", (piece: Buffer) => {
    bytes += piece.length;
    take?.(piece);
  });
  stream.on("close", () => {
    if (status?.["grpc-status"] === "0") resolve(bytes);
    else reject(failure(path, status));
  });
  if (Buffer.isBuffer(body)) stream.end(body);
  else pump(stream, body[Symbol.iterator]());
  return promise;
}

function pump(stream: ClientHttp2Stream, pieces: Iterator<Buffer>): void {
  for (let piece = pieces.next(); !piece.done; piece = pieces.next()) {
    if (stream.write(piece.value)) continue;
    stream.once("drain", () => pump(stream, pieces));
    return;
  }
  stream.end();
}

function failure(path: string, status: IncomingHttpHeaders | undefined): Error {
  if (!status) return new Error(`${path} ended without a status`);
  const message = decodeURIComponent(String(status["grpc-message"] ?? ""));
  return new Error(`${path} failed with code ${status["grpc-status"]}: ${message}`);
}
