import { createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { createBuffers, echoPaths, repliesOf, uploadAnswer } from "./echo.ts";
import { frame, PREFIX_BYTES } from "./frames.ts";

/** The echo that is the ceiling: node:http2 and nothing else, with the windows that opgrid gives. Ends with its parent. */
const STREAM_WINDOW_BYTES = 4 * 1024 * 1024;
const SESSION_WINDOW_BYTES = 16 * 1024 * 1024;
const SESSION_MEMORY_MIB = 256;

const frames = createBuffers((bytes) => frame(Buffer.alloc(bytes)));

function begin(stream: ServerHttp2Stream): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
}

function send(stream: ServerHttp2Stream, replies: Iterator<Buffer>): void {
  for (let reply = replies.next(); !reply.done; reply = replies.next()) {
    if (stream.write(reply.value)) continue;
    stream.once("drain", () => send(stream, replies));
    return;
  }
  stream.end();
}

function countUpload(stream: ServerHttp2Stream): void {
  let bytes = 0;
  stream.on("data", (piece: Buffer) => {
    bytes += piece.length;
  });
  stream.on("end", () => {
    begin(stream);
    stream.end(frame(uploadAnswer(bytes)));
  });
}

function echo(stream: ServerHttp2Stream, unary: boolean): void {
  const pieces: Buffer[] = [];
  stream.on("data", (piece: Buffer) => void pieces.push(piece));
  stream.on("end", () => {
    const request = pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
    const replies = repliesOf(request.subarray(PREFIX_BYTES)).map(frames);
    begin(stream);
    if (unary) stream.end(replies.next().value);
    else send(stream, replies);
  });
}

const server = createServer({
  settings: { initialWindowSize: STREAM_WINDOW_BYTES },
  maxSessionMemory: SESSION_MEMORY_MIB,
});
server.on("session", (session) => session.setLocalWindowSize(SESSION_WINDOW_BYTES));
server.on("stream", (stream: ServerHttp2Stream, headers) => {
  stream.on("error", () => {});
  if (headers[":path"] === echoPaths.upload) countUpload(stream);
  else echo(stream, headers[":path"] === echoPaths.unary);
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`serving on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
process.stdin.on("end", () => process.exit()).resume();
