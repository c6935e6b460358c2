import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Message } from "@bufbuild/protobuf";
import { createMethodSerializationLookup } from "@connectrpc/connect/protocol";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import type { Clock } from "../../base/clock.ts";
import { Code, StatusError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { nodeTrailers } from "../grpc-trailers.ts";
import type { UnarySpec } from "../invoke.ts";
import type { StreamSpec } from "../invoke-stream.ts";
import { CallContext } from "./call-context.ts";
import { type BytesFrame, bytesFrame, frame } from "./frames.ts";
import { MessageReader } from "./message-reader.ts";

/** A method whose request is one message, with what turns its messages into bytes and back. */
export interface Method<S extends UnarySpec | StreamSpec = UnarySpec | StreamSpec> {
  readonly spec: S;
  readonly readMaxBytes: number;
  /** Both throw StatusErrors in Connect's words. */
  readonly parse: (bytes: Uint8Array) => Message;
  readonly frame: (message: Message) => Buffer;
  /** For responses that have nothing but bytes. */
  readonly bytesFrame: BytesFrame | undefined;
}

const NO_WRITE_LIMIT = 0xffffffff;
const OK_TRAILERS: OutgoingHttpHeaders = { "grpc-status": "0" };

/** Prepares a method whose requests have at most `readMaxBytes`. */
export function methodOf<S extends UnarySpec | StreamSpec>(spec: S, readMaxBytes: number): Method<S> {
  const limits = { readMaxBytes, writeMaxBytes: NO_WRITE_LIMIT };
  const lookup = createMethodSerializationLookup(spec.method, undefined, undefined, limits);
  const { serialize } = lookup.getO(true);
  return {
    ...{ spec, readMaxBytes, parse: lookup.getI(true).parse },
    frame: (message) => frame(serialize(message)),
    bytesFrame: bytesFrame(spec.method.output),
  };
}

/** What has come in. */
export interface Arrival {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  /** What the response begins with, unless the handler says otherwise. */
  readonly responseHeaders: Readonly<Record<string, string>>;
}

/** A call between its headers and its trailers. */
export interface Call<S extends UnarySpec | StreamSpec = UnarySpec | StreamSpec> extends Arrival {
  readonly method: Method<S>;
  readonly context: CallContext;
  readonly log: Logger;
}

/**
 * Takes a call from its headers to its trailers.
 *
 * - reading: the body comes in. What is wrong with it is answered at once, and the rest of it not taken.
 * - running: it is complete and `run` has it.
 * - answered: headers, messages and trailers are on their way.
 * The client may be gone at any time, which ends the context: a request that is not complete by then is not begun, and
 * what a handler says afterwards is dropped.
 *
 * `request` throws when there is no message.
 */
export function takeCall<S extends UnarySpec | StreamSpec>(
  arrival: Arrival,
  method: Method<S>,
  deps: { readonly clock: Clock; readonly log: Logger },
  run: (call: Call<S>, request: () => Message) => void,
): void {
  const { stream, headers, responseHeaders } = arrival;
  const encrypted = stream.session?.encrypted === true;
  const context = new CallContext({ method: method.spec.method, headers, encrypted, responseHeaders }, deps.clock);
  const call = { stream, headers, responseHeaders, method, context, log: deps.log };
  const reader = new MessageReader(method.parse, method.readMaxBytes, method.spec.kind);

  const take = (piece: Buffer) => {
    try {
      reader.add(piece);
    } catch (error) {
      stream.off("data", take).off("end", begin).pause();
      fail(call, error);
    }
  };
  const begin = () => {
    if (!stream.aborted) run(call, () => reader.end());
  };
  stream
    .on("data", take)
    .on("end", begin)
    .on("error", () => {})
    .on("close", () => context.lose());
}

/** Whether the client may still get something. */
export function isOpen({ stream }: Call): boolean {
  return !stream.destroyed && !stream.closed;
}

/** Sends the headers. Throws for those that HTTP/2 does not take. */
export function respond({ stream, responseHeaders, context }: Call): void {
  const { touchedHeader } = context;
  stream.respond(touchedHeader ? Object.fromEntries(touchedHeader) : responseHeaders, { waitForTrailers: true });
}

/** Ends a call with an error. */
export function fail(call: Call, error: unknown): void {
  const status = error instanceof StatusError ? error : new StatusError("internal error", Code.Internal);
  setTrailerStatus(call.context.responseTrailer, status);
  finish(call, undefined);
}

/** Sends the headers if need be, a last message if there is one, and the trailers. Never throws. */
export function finish(call: Call, message: Buffer | undefined): void {
  const { stream, context } = call;
  context.end();
  if (!isOpen(call)) return;
  const { touchedTrailer } = context;
  try {
    const trailers = touchedTrailer ? nodeTrailers(touchedTrailer) : OK_TRAILERS;
    stream.on("wantTrailers", () => sendTrailers(call, trailers));
    if (!stream.headersSent) respond(call);
    stream.end(message);
  } catch (err) {
    giveUp(call, err);
  }
}

function sendTrailers(call: Call, trailers: OutgoingHttpHeaders): void {
  const { stream } = call;
  if (!isOpen(call)) return;
  try {
    stream.sendTrailers(trailers);
    // Tells a client that is still sending that nobody reads on. Node sends the trailers in an immediate of its own, which
    // has been queued before this one.
    if (!stream.readableEnded) setImmediate(() => stream.destroy());
  } catch (err) {
    giveUp(call, err);
  }
}

function giveUp({ stream, method, log }: Call, err: unknown): void {
  log.error({ err, method: method.spec.method.name }, "a response could not be sent");
  stream.destroy();
}
