import { createServer as createHttp1, type Server as Http1Server, type RequestListener } from "node:http";
import {
  createServer as createHttp2,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Clock } from "../base/clock.ts";
import type { FastPath } from "../rpc/rpc.ts";
import { dropEndlessDeadline } from "./deadlines.ts";
import type { ServerLimits } from "./limits.ts";
import { renewStreamTable } from "./stream-table.ts";

const MAX_HEADER_BYTES = 64 * 1024;
/** Longer than the 60 s after which common proxies let go of an idle connection, so that they are the first to close. */
const KEEP_ALIVE_MS = 72_000;
const STREAM_WINDOW_BYTES = 4 * 1024 * 1024;
const SESSION_WINDOW_BYTES = 16 * 1024 * 1024;
const SESSION_MEMORY_MIB = 256;
/** A cancelled build resets all its calls at once; with Node's default of 1,000 that would end the connection. */
const STREAM_RESET_BURST = 100_000;
const STREAM_RESET_RATE = 10_000;

/** Makes the HTTP/1.1 server. It never listens: connections are handed to it by `emit("connection")`. */
export function createHttp1Server(limits: ServerLimits, handler: RequestListener): Http1Server {
  const server = createHttp1(
    {
      headersTimeout: limits.headersTimeoutMs,
      // An upload may take as long as it takes.
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: Math.min(Math.max(limits.headersTimeoutMs / 4, 20), 5000),
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    handler,
  );
  // Its timeouts only work from this event on.
  server.emit("listening");
  return server;
}

/**
 * Gives the whole connection a larger window, lets go of what has ended, and drops a peer that does not complete the preface
 * in time.
 */
function prepareSession(session: ServerHttp2Session, timeoutMs: number, clock: Clock): void {
  if (session.destroyed) return;
  session.setLocalWindowSize(SESSION_WINDOW_BYTES);
  renewStreamTable(session);
  const timer = clock.after(timeoutMs, () => session.destroy());
  session.once("remoteSettings", () => timer.cancel());
  session.once("close", () => timer.cancel());
}

/**
 * Tells a client that is still sending, when it has its whole answer, that nobody reads on (RST_STREAM with NO_ERROR, RFC
 * 9113 8.1). Node would keep the stream, with its window full of bytes, as long as the client cares to wait.
 */
function stopUploadAfterAnswer(stream: ServerHttp2Stream): void {
  // Node sends the trailers in an immediate of its own, which has been queued before this one, as the compatibility layer
  // has listened before.
  stream.once("wantTrailers", () => setImmediate(resetUnread, stream));
}

function resetUnread(stream: ServerHttp2Stream): void {
  if (!stream.readableEnded && !stream.destroyed) stream.destroy();
}

/** Who answers requests: `first` where it can, `handler` the others. */
export interface Http2Handlers {
  readonly first: FastPath | undefined;
  readonly handler: RequestListener;
}

/** Makes the HTTP/2 server. It never listens: connections are handed to it by `emit("connection")`. */
export function createHttp2Server(limits: ServerLimits, clock: Clock, { first, handler }: Http2Handlers): Http2Server {
  const server = createHttp2({
    settings: {
      maxConcurrentStreams: limits.maxConcurrentStreams,
      initialWindowSize: STREAM_WINDOW_BYTES,
      maxHeaderListSize: MAX_HEADER_BYTES,
    },
    maxSessionMemory: SESSION_MEMORY_MIB,
    streamResetBurst: STREAM_RESET_BURST,
    streamResetRate: STREAM_RESET_RATE,
  });
  // Node's HTTP/2 compatibility layer hands out objects that behave like those of HTTP/1. It would lay hands on every
  // stream of its server, so it is on one of its own, which gets what is meant for it.
  const compatible = createHttp2().on("request", handler as never);
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...rest: unknown[]) => {
    dropEndlessDeadline(headers);
    if (first?.(stream, headers)) return;
    compatible.emit("stream", stream, headers, ...rest);
    stopUploadAfterAnswer(stream);
  });
  server.on("session", (session) => prepareSession(session, limits.headersTimeoutMs, clock));
  return server;
}
