import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Message } from "@bufbuild/protobuf";
import { createMethodSerializationLookup } from "@connectrpc/connect/protocol";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import type { Clock } from "../../base/clock.ts";
import { Code, StatusError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { encodingOf } from "../../services/services.ts";
import { nodeTrailers } from "../grpc-trailers.ts";
import type { Invoke, UnarySpec } from "../invoke.ts";
import { frame, MessageReader } from "./message-reader.ts";
import { UnaryContext } from "./unary-context.ts";

/** A method with what turns its messages into bytes and back. */
export interface UnaryMethod {
  readonly spec: UnarySpec;
  readonly readMaxBytes: number;
  /** Both throw StatusErrors in Connect's words. */
  readonly parse: (bytes: Uint8Array) => Message;
  readonly frame: (message: Message) => Buffer;
}

const NO_WRITE_LIMIT = 0xffffffff;
const OK_TRAILERS: OutgoingHttpHeaders = { "grpc-status": "0" };

/** Prepares a method whose requests have at most `readMaxBytes`. */
export function unaryMethod(spec: UnarySpec, readMaxBytes: number): UnaryMethod {
  const limits = { readMaxBytes, writeMaxBytes: NO_WRITE_LIMIT };
  const lookup = createMethodSerializationLookup(spec.method, undefined, undefined, limits);
  const { serialize } = lookup.getO(true);
  return { spec, readMaxBytes, parse: lookup.getI(true).parse, frame: (message) => frame(serialize(message)) };
}

/** A call that has come in. */
export interface UnaryCall {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly method: UnaryMethod;
  readonly responseHeaders: Readonly<Record<string, string>>;
  readonly invoke: Invoke;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Takes a call from its headers to its trailers.
 *
 * - reading: the body comes in. What is wrong with it is answered at once, and the rest of it not taken.
 * - running: it is complete and the handler has it.
 * - answered: headers, the message and trailers are on their way.
 * The client may be gone at any time, which ends the context: a request that is not complete by then is not begun, and
 * what a handler says afterwards is dropped.
 */
export function answerUnary(call: UnaryCall): void {
  const { stream, method, headers, responseHeaders, clock } = call;
  const { spec } = method;
  const encrypted = stream.session?.encrypted === true;
  const context = new UnaryContext({ method: spec.method, headers, encrypted, responseHeaders }, clock);
  const reader = new MessageReader(method.parse, method.readMaxBytes);

  const take = (piece: Buffer) => {
    try {
      reader.add(piece);
    } catch (error) {
      stream.off("data", take).off("end", begin).pause();
      fail(call, context, error);
    }
  };
  const begin = () => {
    if (!stream.aborted) run(call, context, reader);
  };
  stream
    .on("data", take)
    .on("end", begin)
    .on("error", () => {})
    .on("close", () => context.lose());
}

async function run(call: UnaryCall, context: UnaryContext, reader: MessageReader<Message>): Promise<void> {
  const { spec, frame } = call.method;
  try {
    const response = await call.invoke(spec, reader.end(), context);
    send(call, context, encodingOf(response, frame));
  } catch (error) {
    fail(call, context, error);
  }
}

function fail(call: UnaryCall, context: UnaryContext, error: unknown): void {
  const status = error instanceof StatusError ? error : new StatusError("internal error", Code.Internal);
  setTrailerStatus(context.responseTrailer, status);
  send(call, context, undefined);
}

/** Never throws: whatever a handler set, and whenever the client goes. */
function send(call: UnaryCall, context: UnaryContext, message: Buffer | undefined): void {
  const { stream, responseHeaders } = call;
  context.end();
  if (stream.destroyed || stream.closed) return;
  const { touchedHeader, touchedTrailer } = context;
  try {
    const trailers = touchedTrailer ? nodeTrailers(touchedTrailer) : OK_TRAILERS;
    stream.on("wantTrailers", () => sendTrailers(call, trailers));
    stream.respond(touchedHeader ? Object.fromEntries(touchedHeader) : responseHeaders, { waitForTrailers: true });
    stream.end(message);
  } catch (err) {
    giveUp(call, err);
  }
}

function sendTrailers(call: UnaryCall, trailers: OutgoingHttpHeaders): void {
  const { stream } = call;
  if (stream.destroyed || stream.closed) return;
  try {
    stream.sendTrailers(trailers);
    // Tells a client that is still sending that nobody reads on. Node sends the trailers in an immediate of its own, which
    // has been queued before this one.
    if (!stream.readableEnded) setImmediate(() => stream.destroy());
  } catch (err) {
    giveUp(call, err);
  }
}

function giveUp({ stream, method, log }: UnaryCall, err: unknown): void {
  log.error({ err, method: method.spec.method.name }, "a response could not be sent");
  stream.destroy();
}
