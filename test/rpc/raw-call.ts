import { once } from "node:events";
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { setImmediate as turn } from "node:timers/promises";
import { create, type DescMessage, type DescMethod, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { envelope } from "../server/clients.ts";

/** A request, byte for byte. */
export interface RawCall {
  readonly path: string;
  /** Beside those of a plain gRPC call; undefined takes one of them away. */
  readonly headers?: OutgoingHttpHeaders;
  /** Each piece in a frame of its own. */
  readonly body?: readonly Uint8Array[];
  /** True for a client that does not end its request. */
  readonly open?: boolean;
}

/** All that a client can see of an answer but its date. */
export interface RawAnswer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: string;
  /** The HTTP/2 error code that the stream ended with. */
  readonly resetCode: number | undefined;
}

const ANSWER_MS = 5000;

/** A call of a unary method with a request of its type. */
export function rawCall<M extends DescMethod>(
  method: M,
  request: MessageInitShape<M["input"]>,
  headers: OutgoingHttpHeaders = {},
): RawCall {
  return { path: pathOf(method), headers, body: [message(method.input, request)] };
}

export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** A message in its envelope. */
export function message<D extends DescMessage>(schema: D, fields: MessageInitShape<D>): Buffer {
  return envelope(toBinary(schema, create(schema, fields)));
}

/** Makes a call and waits for its end. */
export async function exchange(session: ClientHttp2Session, call: RawCall): Promise<RawAnswer> {
  const plain = { ":method": "POST", ":path": call.path, "content-type": "application/grpc", te: "trailers" };
  const headers = Object.entries({ ...plain, ...call.headers }).filter(([, value]) => value !== undefined);
  const stream = session.request(Object.fromEntries(headers), { endStream: false });
  let header: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  const pieces: Buffer[] = [];
  stream
    .on("error", () => {})
    .on("response", ({ date: _, ...rest }) => {
      header = rest;
    })
    .on("trailers", (rest) => {
      trailers = { ...rest };
    })
    .on("data", (piece: Buffer) => void pieces.push(piece));
  const closed = once(stream, "close", { signal: AbortSignal.timeout(ANSWER_MS) });
  for (const piece of call.body ?? []) {
    if (stream.writable) stream.write(piece);
    await turn();
  }
  if (!call.open && stream.writable) stream.end();
  await closed;
  return {
    headers: { ...header },
    trailers,
    body: Buffer.concat(pieces).toString("latin1"),
    resetCode: stream.rstCode,
  };
}
