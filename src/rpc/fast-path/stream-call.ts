import type { Message } from "@bufbuild/protobuf";
import { encodingOf } from "../../services/services.ts";
import type { InvokeStream, StreamSpec } from "../invoke-stream.ts";
import { type Call, fail, finish, isOpen, respond } from "./call.ts";

/**
 * Answers a call with a stream: the next message is asked for when the client has room for more. A handler that waits when
 * the client goes is told by its signal; one that has a message then is told to return.
 */
export async function answerStream(
  call: Call<StreamSpec>,
  request: () => Message,
  invoke: InvokeStream,
): Promise<void> {
  const { stream, method, context } = call;
  let messages: AsyncIterator<Message> | undefined;
  try {
    messages = invoke(method.spec, request(), context);
    for (let next = await messages.next(); !next.done; next = await messages.next()) {
      if (isOpen(call)) {
        if (!stream.headersSent) respond(call);
        if (!write(call, next.value)) await writable(call);
      }
      if (!isOpen(call)) break;
    }
    finish(call, undefined);
  } catch (error) {
    fail(call, error);
  }
  // What it throws now is for nobody, and in the log.
  await messages?.return?.().catch(() => {});
}

/** False when the client should first take what it has. */
function write({ stream, method }: Call, message: Message): boolean {
  if (!method.bytesFrame) return stream.write(encodingOf(message, method.frame));
  const [head, bytes] = method.bytesFrame(message);
  stream.cork();
  stream.write(head);
  const more = stream.write(bytes);
  stream.uncork();
  return more;
}

/** Waits until the stream takes more bytes, or is closed because the client is gone. */
function writable({ stream }: Call): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off("drain", done).off("close", done);
      resolve();
    };
    stream.on("drain", done).on("close", done);
  });
}
