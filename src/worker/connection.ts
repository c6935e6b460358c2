import type { ClientHttp2Session, SecureClientSessionOptions } from "node:http2";
import type { Interceptor, Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";

const STREAM_WINDOW_BYTES = 4 * 2 ** 20;
const SESSION_WINDOW_BYTES = 16 * 2 ** 20;
const READ_MAX_BYTES = 64 * 2 ** 20;

/** PEM texts for a TLS connection. */
export interface BotTls {
  /** Authorities to trust instead of the system's. */
  readonly ca?: string;
  /** The bot's own certificate and key, where the server asks for one. */
  readonly cert?: string;
  readonly key?: string;
}

/** One connection to the server, opened when first needed and again after a loss. */
export interface Connection {
  readonly transport: Transport;
  close(): void;
}

/** Makes the connection. `remote` is `http://`, `https://`, `grpc://`, `grpcs://` or bare `host:port` (plaintext). */
export function openConnection(options: {
  readonly remote: string;
  readonly tls?: BotTls | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}): Connection {
  const baseUrl = baseUrlOf(options.remote);
  const nodeOptions: SecureClientSessionOptions = {
    ...options.tls,
    settings: { initialWindowSize: STREAM_WINDOW_BYTES },
  };
  const manager = new Http2SessionManager(baseUrl, { pingIntervalMs: 30_000 }, nodeOptions);
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager: widened(manager),
    interceptors: [withHeaders(options.headers ?? {})],
    acceptCompression: [],
    readMaxBytes: READ_MAX_BYTES,
  });
  return { transport, close: () => manager.abort() };
}

/** The `http` or `https` origin that a remote names; throws a TypeError when it names none. */
export function baseUrlOf(remote: string): string {
  const url = new URL(/^[a-z]+:\/\//i.test(remote) ? remote : `http://${remote}`);
  if (url.protocol === "http:" || url.protocol === "https:") return url.origin;
  if (url.protocol !== "grpc:" && url.protocol !== "grpcs:") throw new TypeError(`not a gRPC address: ${remote}`);
  return baseUrlOf(`${url.protocol === "grpcs:" ? "https" : "http"}://${url.host}`);
}

/** Widens the window of each HTTP/2 session; Node's 64 KiB would bound downloads by the round-trip time. */
function widened(manager: Http2SessionManager) {
  const seen = new WeakSet<ClientHttp2Session>();
  return {
    authority: manager.authority,
    notifyResponseByteRead: manager.notifyResponseByteRead.bind(manager),
    request: async (...args: Parameters<Http2SessionManager["request"]>) => {
      const stream = await manager.request(...args);
      const session = stream.session as ClientHttp2Session | undefined;
      if (session && !seen.has(session)) {
        seen.add(session);
        // The calls report what happens; the session may emit it once more when the manager has let go of it.
        session.on("error", () => {});
        session.setLocalWindowSize(SESSION_WINDOW_BYTES);
      }
      return stream;
    },
  };
}

function withHeaders(headers: Readonly<Record<string, string>>): Interceptor {
  const entries = Object.entries(headers);
  return (next) => (request) => {
    for (const [name, value] of entries) request.header.set(name, value);
    return next(request);
  };
}
