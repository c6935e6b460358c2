import {
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { createBuffers, echoPaths, repliesOf, uploadAnswer } from "./echo.ts";

/** The echo of @grpc/grpc-js as it comes: its server has no setting for windows. Ends with its parent. */
const buffers = createBuffers((bytes) => Buffer.alloc(bytes));

function method(path: string, streams: { request: boolean; response: boolean }): MethodDefinition<Buffer, Buffer> {
  const same = (bytes: Buffer) => bytes;
  return {
    path,
    requestStream: streams.request,
    responseStream: streams.response,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

function unary(call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>): void {
  const [bytes = 0] = repliesOf(call.request);
  reply(null, buffers(bytes));
}

function download(call: ServerWritableStream<Buffer, Buffer>): void {
  send(call, repliesOf(call.request));
}

function send(call: ServerWritableStream<Buffer, Buffer>, sizes: Iterator<number>): void {
  for (let size = sizes.next(); !size.done; size = sizes.next()) {
    if (call.write(buffers(size.value))) continue;
    call.once("drain", () => send(call, sizes));
    return;
  }
  call.end();
}

function upload(call: ServerReadableStream<Buffer, Buffer>, reply: sendUnaryData<Buffer>): void {
  let bytes = 0;
  call.on("data", (message: Buffer) => {
    bytes += message.length;
  });
  call.on("end", () => reply(null, uploadAnswer(bytes)));
}

const UNLIMITED = -1;
const server = new Server({ "grpc.max_receive_message_length": UNLIMITED });
server.addService(
  {
    unary: method(echoPaths.unary, { request: false, response: false }),
    download: method(echoPaths.download, { request: false, response: true }),
    upload: method(echoPaths.upload, { request: true, response: false }),
  },
  { unary, download, upload },
);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.stdout.write(`serving on http://127.0.0.1:${port}\n`);
});
process.stdin.on("end", () => process.exit()).resume();
