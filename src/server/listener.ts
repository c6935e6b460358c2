import type { Server as Http1Server, RequestListener } from "node:http";
import type { Http2Server } from "node:http2";
import { createServer, type Server, type Socket } from "node:net";
import type { Server as TlsServer } from "node:tls";
import type { Clock, Timer } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { FastPath } from "../rpc/rpc.ts";
import { Http1Connections } from "./http1-connections.ts";
import type { ServerLimits } from "./limits.ts";
import { createHttp1Server, createHttp2Server } from "./protocols.ts";
import { sniff, type WireProtocol } from "./sniffer.ts";
import { createTlsServer, type TlsOptions } from "./tls.ts";

/** Lets the kernel find out about peers that vanished without a word. */
const TCP_KEEP_ALIVE_MS = 60_000;
const TLS_ONLY_ANSWER =
  "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\nThis port speaks TLS only.\n";

/** How the port takes connections. */
export interface ListenerOptions {
  readonly limits: ServerLimits;
  readonly tls: TlsOptions | undefined;
  /** What becomes of connections without TLS when TLS is configured. */
  readonly plaintext: "allow" | "refuse";
  /** From the begin of `close` to the moment when what is left of the connections is cut. */
  readonly drainMs: number;
  /** Answers HTTP/2 requests before the handler sees them. */
  readonly fastPath: FastPath | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How many connections there are. */
export interface ConnectionCounts {
  /** Connections of any protocol, also those that have not said a word yet. */
  readonly sockets: number;
  /** HTTP/2 connections among them. */
  readonly http2Sessions: number;
}

/** A server that looks at the first bytes of each connection and speaks HTTP/1.1, HTTP/2 or TLS with either. */
export interface Listener {
  /** The server to listen with. Its `close` drains, and calls back when the last connection is gone. */
  readonly server: Server;
  counts(): ConnectionCounts;
}

/**
 * Every connection, from its first byte to its end.
 *
 * Draining, in this order: connections that said nothing yet are dropped; each HTTP/2 connection is told to go away
 * (GOAWAY) and ends with its last call; idle HTTP/1.1 connections are closed, busy ones when they are done. What comes
 * out of a TLS handshake meanwhile goes the same way. After `drainMs` whatever is left is cut.
 */
class Connections {
  readonly #options: ListenerOptions;
  readonly #http1: Http1Server;
  readonly #http1Connections: Http1Connections;
  readonly #http2: Http2Server;
  readonly #tls: TlsServer | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #undecided = new Set<Socket>();
  #http2Sessions = 0;
  readonly #gone = Promise.withResolvers<void>();
  #draining: Timer | undefined;

  constructor(options: ListenerOptions, handler: RequestListener) {
    const { limits, clock, log, tls } = options;
    this.#options = options;
    this.#http1 = createHttp1Server(limits, handler);
    this.#http1Connections = new Http1Connections(this.#http1);
    this.#http2 = createHttp2Server(limits, clock, { first: options.fastPath, handler });
    this.#http2.on("session", (session) => {
      this.#http2Sessions++;
      if (this.#draining) session.close();
      session.once("close", () => {
        this.#http2Sessions--;
        this.#settle();
      });
    });
    this.#tls =
      tls &&
      createTlsServer(tls, limits.headersTimeoutMs, log, (protocol, socket) =>
        (protocol === "http2" ? this.#http2 : this.#http1).emit("connection", socket),
      );
  }

  counts(): ConnectionCounts {
    return { sockets: this.#sockets.size, http2Sessions: this.#http2Sessions };
  }

  accept(socket: Socket): void {
    const { clock, log, limits } = this.#options;
    this.#sockets.add(socket);
    this.#undecided.add(socket);
    socket.on("error", (err) => log.debug({ err }, "a connection broke"));
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#undecided.delete(socket);
      this.#settle();
    });
    sniff(socket, {
      clock,
      timeoutMs: limits.firstByteTimeoutMs,
      onProtocol: (protocol) => this.#handOver(protocol, socket),
    });
  }

  /** Resolves when the last connection is gone. The server must have stopped accepting. */
  drain(): Promise<void> {
    this.#draining = this.#options.clock.after(this.#options.drainMs, () => this.#cut());
    for (const socket of this.#undecided) socket.destroy();
    this.#http2.close();
    this.#http1Connections.drain();
    this.#settle();
    return this.#gone.promise;
  }

  #handOver(protocol: WireProtocol, socket: Socket): void {
    this.#undecided.delete(socket);
    // HTTP/1.1 closes its own side when it is done. The others would stay half open after the peer's FIN.
    socket.allowHalfOpen = protocol === "http1";
    if (protocol === "tls") {
      if (this.#tls) this.#tls.emit("connection", socket);
      else socket.destroy();
    } else if (this.#tls && this.#options.plaintext === "refuse") {
      refusePlaintext(protocol, socket);
    } else {
      (protocol === "http2" ? this.#http2 : this.#http1).emit("connection", socket);
    }
  }

  #settle(): void {
    if (!this.#draining || this.#sockets.size > 0 || this.#http2Sessions > 0) return;
    this.#draining.cancel();
    this.#http1.close();
    this.#gone.resolve();
  }

  #cut(): void {
    if (this.#sockets.size > 0) {
      this.#options.log.warn({ connections: this.#sockets.size }, "cutting connections that did not end in time");
    }
    for (const socket of this.#sockets) socket.destroy();
  }
}

function refusePlaintext(protocol: "http1" | "http2", socket: Socket): void {
  if (protocol === "http1") socket.end(TLS_ONLY_ANSWER, () => socket.destroy());
  else socket.destroy();
}

/** Makes a listener that answers requests of either HTTP version with `handler`. */
export function createListener(options: ListenerOptions, handler: RequestListener): Listener {
  const connections = new Connections(options, handler);
  const server = createServer(
    { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS },
    (socket) => connections.accept(socket),
  );
  server.maxConnections = options.limits.maxConnections;
  const stopListening = server.close.bind(server);
  server.close = (callback) => {
    stopListening();
    connections.drain().then(() => callback?.());
    return server;
  };
  return { server, counts: () => connections.counts() };
}
