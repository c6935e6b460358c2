import type { Socket } from "node:net";
import type { Clock } from "../base/clock.ts";

/** What a connection speaks, as its first bytes tell. */
export type WireProtocol = "http1" | "http2" | "tls";

const HEAD_BYTES = 3;
const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR_VERSION = 0x03;
const HTTP2_PREFACE = "PRI";
const METHOD = /^[A-Z]{3}$/;

/** Tells the protocol by the first three bytes; undefined is none of ours. */
export function protocolOf(head: Uint8Array): WireProtocol | undefined {
  if (head[0] === TLS_HANDSHAKE && head[1] === TLS_MAJOR_VERSION) return "tls";
  const text = Buffer.from(head).toString("latin1", 0, HEAD_BYTES);
  if (text === HTTP2_PREFACE) return "http2";
  return METHOD.test(text) ? "http1" : undefined;
}

/** How a look at a connection's first bytes is done. */
export interface SniffOptions {
  readonly clock: Clock;
  /** How long the peer may take to send the first bytes. */
  readonly timeoutMs: number;
  /** Takes the connection over, with the bytes that were looked at back in it. */
  readonly onProtocol: (protocol: WireProtocol, socket: Socket) => void;
}

/** Waits for the first bytes of a new connection. A peer that sends none in time, or none that we know, is dropped. */
export function sniff(socket: Socket, { clock, timeoutMs, onProtocol }: SniffOptions): void {
  const drop = () => void socket.destroy();
  const timer = clock.after(timeoutMs, drop);
  const onReadable = () => {
    const head: Buffer | null = socket.read(HEAD_BYTES);
    if (head === null) return;
    stop();
    const protocol = protocolOf(head);
    if (protocol === undefined) return drop();
    socket.unshift(head);
    onProtocol(protocol, socket);
  };
  const stop = () => {
    timer.cancel();
    socket.off("readable", onReadable).off("end", drop).off("close", stop);
  };
  socket.on("readable", onReadable).on("end", drop).on("close", stop);
}
