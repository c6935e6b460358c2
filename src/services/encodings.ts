import type { Message } from "@bufbuild/protobuf";

const encodings = new WeakMap<Message, { bytes: Uint8Array | undefined }>();

/** Says that the message may be answered again and never changes, so that its encoding is worth keeping. */
export function keepEncoding<M extends Message>(message: M): M {
  encodings.set(message, { bytes: undefined });
  return message;
}

/** What `encode` makes of a message; of one whose encoding is kept, only the first time. `encode` is always the same. */
export function encodingOf<B extends Uint8Array>(message: Message, encode: (message: Message) => B): B {
  const kept = encodings.get(message);
  if (!kept) return encode(message);
  kept.bytes ??= encode(message);
  return kept.bytes as B;
}
