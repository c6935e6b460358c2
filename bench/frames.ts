/** Bytes before each gRPC message: a compression flag and the length. */
export const PREFIX_BYTES = 5;

/** A message as gRPC sends it, uncompressed. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(PREFIX_BYTES + message.byteLength);
  framed.writeUInt8(0, 0);
  framed.writeUInt32BE(message.byteLength, 1);
  framed.set(message, PREFIX_BYTES);
  return framed;
}

/** The messages of a whole body. Throws when it does not end where a message ends. */
export function messagesOf(body: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  let at = 0;
  while (at < body.length) {
    const end = at + PREFIX_BYTES + body.readUInt32BE(at + 1);
    messages.push(body.subarray(at + PREFIX_BYTES, end));
    at = end;
  }
  if (at !== body.length) throw new Error(`a gRPC body of ${body.length} bytes ends inside of a message`);
  return messages;
}
