import { lookup } from "node:dns/promises";
import { type AddressInfo, isIP } from "node:net";
import type { Registry } from "@bufbuild/protobuf";
import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { type FastifyInstance, fastify } from "fastify";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Readiness } from "../base/readiness.ts";
import type { FastPath, FastPathPort } from "../rpc/rpc.ts";
import { addCors, corsHeaders } from "./cors.ts";
import { type About, addDashboard } from "./dashboard.ts";
import { dropEndlessDeadlines } from "./deadlines.ts";
import type { ServerLimits } from "./limits.ts";
import { type ConnectionCounts, createListener, type Listener } from "./listener.ts";
import { addNotFound, addPages } from "./pages.ts";
import { addRpcRoutes } from "./rpc-routes.ts";
import type { TlsOptions } from "./tls.ts";

export type { About, ConnectionCounts, ServerLimits, TlsOptions };

/** Larger than any message: a response is never compressed, which would cost ten times what it saves. */
const NEVER_COMPRESS_BYTES = 2 ** 31;
const COMPRESSIONS = [compressionGzip, compressionBrotli];

/** What the port is made of. */
export interface ServerOptions {
  /** Address or name to bind; a name is bound at the one address that it resolves to. Port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls: TlsOptions | undefined;
  /** Whether connections without TLS stay welcome on the port when TLS is configured. */
  readonly plaintext: "allow" | "refuse";
  /** Origins whose pages may call from a browser: `*` is any, `loopback` any of this machine; its own always may. */
  readonly corsOrigins: readonly string[];
  readonly limits: ServerLimits;
  /** How long `close` waits for calls in flight before it cuts their connections. */
  readonly drainMs: number;
  /** Aborted when `close` begins. The maker keeps it, because interceptors and handlers watch its signal. */
  readonly drain: AbortController;
  /** What `/readyz` tells. */
  readonly readiness: Readiness;
  readonly about: About;
  /** The directory with the dashboard's files; undefined for no dashboard. */
  readonly dashboard: string | undefined;
  readonly log: Logger;
  readonly clock: Clock;
  readonly routes: (router: ConnectRouter) => void;
  /** All of them, the outermost first; the server adds none. */
  readonly interceptors: readonly Interceptor[];
  /** Makes what answers some of the same calls without Connect, with what happens in the interceptors. */
  readonly fastPath?: ((port: FastPathPort) => FastPath) | undefined;
  /** The types that an Any may hold in a JSON message. */
  readonly registry: Registry;
}

/** A port that is being listened on. */
export interface Server extends AsyncDisposable {
  /** The address that is bound. */
  readonly host: string;
  readonly port: number;
  /** `http://host:port`, or `https` when TLS is configured. */
  readonly url: string;
  /** Aborts when `close` begins. */
  readonly draining: AbortSignal;
  connections(): ConnectionCounts;
  /** Drains and resolves when the last connection is gone. Later calls return the same promise. */
  close(): Promise<void>;
}

async function addressOf(host: string): Promise<string> {
  // A name is resolved here: given "localhost", Fastify would make a second server for its second address.
  return isIP(host) ? host : (await lookup(host, { order: "ipv4first" })).address;
}

function createApp(options: ServerOptions): { app: FastifyInstance; listener: Listener } {
  const listeners: Listener[] = [];
  const fastPath = options.fastPath?.({
    readMaxBytes: options.limits.maxMessageBytes,
    encodings: COMPRESSIONS.map(({ name }) => name),
    headers: corsHeaders(options.corsOrigins),
  });
  const app = fastify({
    logger: false,
    bodyLimit: options.limits.maxMessageBytes,
    // While draining it is the interceptors that answer, in the caller's protocol.
    return503OnClosing: false,
    serverFactory: (handler) => {
      const listener = createListener({ ...options, fastPath }, handler);
      listeners.push(listener);
      return listener.server as never;
    },
  });
  dropEndlessDeadlines(app);
  addCors(app, options.corsOrigins);
  addPages(app, options);
  addDashboard(app, { directory: options.dashboard, about: options.about });
  addNotFound(app);
  addRpcRoutes(app, {
    routes: options.routes,
    log: options.log,
    router: {
      interceptors: [...options.interceptors],
      readMaxBytes: options.limits.maxMessageBytes,
      acceptCompression: COMPRESSIONS,
      compressMinBytes: NEVER_COMPRESS_BYTES,
      jsonOptions: { registry: options.registry },
    },
  });
  return { app, listener: listeners[0] as Listener };
}

/** Makes the port and listens; the promise rejects when the address cannot be bound. */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { app, listener } = createApp(options);
  try {
    await app.listen({ host: await addressOf(options.listen.host), port: options.listen.port });
  } catch (error) {
    listener.server.close();
    await app.close();
    throw error;
  }
  const { address: host, port, family } = listener.server.address() as AddressInfo;
  const authority = family === "IPv6" ? `[${host}]:${port}` : `${host}:${port}`;
  let closed: Promise<void> | undefined;
  const close = () => {
    options.drain.abort();
    closed ??= Promise.resolve(app.close());
    return closed;
  };
  return {
    host,
    port,
    url: `${options.tls ? "https" : "http"}://${authority}`,
    draining: options.drain.signal,
    connections: () => listener.counts(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
