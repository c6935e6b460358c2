import { createServer, type Server, type TLSSocket } from "node:tls";
import type { Logger } from "../base/log.ts";

/** Certificates of the port, as PEM text. */
export interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  /** The authorities that sign client certificates; undefined trusts those of the system. */
  readonly clientCa: string | undefined;
  /** `optional` takes clients without a certificate, but none with a certificate that does not verify. */
  readonly clientAuth: "none" | "optional" | "required";
}

/** Takes a connection after its handshake. */
export type OnSecure = (protocol: "http1" | "http2", socket: TLSSocket) => void;

function presentsBadCertificate(socket: TLSSocket): boolean {
  return !socket.authorized && Object.keys(socket.getPeerCertificate()).length > 0;
}

/** Makes the server that ends TLS. It never listens: connections are handed to it by `emit("connection")`. */
export function createTlsServer(
  options: TlsOptions,
  handshakeTimeoutMs: number,
  log: Logger,
  onSecure: OnSecure,
): Server {
  const { cert, key, clientCa, clientAuth } = options;
  const server = createServer({
    cert,
    key,
    ...(clientCa !== undefined && { ca: clientCa }),
    requestCert: clientAuth !== "none",
    rejectUnauthorized: clientAuth === "required",
    ALPNProtocols: ["h2", "http/1.1"],
    handshakeTimeout: handshakeTimeoutMs,
  });
  server.on("secureConnection", (socket) => {
    if (clientAuth !== "none" && presentsBadCertificate(socket)) {
      log.debug({ peer: socket.remoteAddress, err: socket.authorizationError }, "refused a client certificate");
      socket.destroy();
      return;
    }
    onSecure(socket.alpnProtocol === "h2" ? "http2" : "http1", socket);
  });
  server.on("tlsClientError", (err, socket) => {
    log.debug({ err, peer: socket.remoteAddress }, "a TLS handshake failed");
    socket.destroy();
  });
  return server;
}
