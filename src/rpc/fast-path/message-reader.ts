import { compressedFlag } from "@connectrpc/connect/protocol";
import { Code, StatusError } from "../../base/errors.ts";

/** Bytes before each gRPC message: a compression flag and the length. */
const PREFIX_BYTES = 5;

/**
 * Reads the body of a unary request, which is one gRPC message, as it comes in, and says in Connect's words what is wrong
 * with it as soon as that is known.
 */
export class MessageReader<M> {
  readonly #parse: (bytes: Uint8Array) => M;
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #held = 0;
  /** Of the message that is coming in; undefined before its prefix is there. */
  #length: number | undefined;
  #message: M | undefined;

  /** `parse` is given the bytes of the message, without a copy. */
  constructor(parse: (bytes: Uint8Array) => M, maxBytes: number) {
    this.#parse = parse;
    this.#maxBytes = maxBytes;
  }

  /** Throws for a message that is too long, compressed or malformed, and for a second one. */
  add(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#held += piece.length;
    while (this.#held >= PREFIX_BYTES + (this.#length ?? 0)) {
      if (this.#length === undefined) this.#readPrefix();
      else this.#readMessage(this.#length);
    }
  }

  /** The message, when the client has sent all. Throws when it is missing or incomplete. */
  end(): M {
    if (this.#held > 0) throw new StatusError("protocol error: incomplete envelope", Code.InvalidArgument);
    if (this.#message !== undefined) return this.#message;
    throw new StatusError("protocol error: missing input message for unary method", Code.Unimplemented);
  }

  #readPrefix(): void {
    const length = this.#joined().readUInt32BE(1);
    if (length > this.#maxBytes) {
      const problem = `message size ${length} is larger than configured readMaxBytes ${this.#maxBytes}`;
      throw new StatusError(problem, Code.ResourceExhausted);
    }
    this.#length = length;
  }

  #readMessage(length: number): void {
    const bytes = this.#joined();
    const end = PREFIX_BYTES + length;
    const message = this.#parseOne(bytes[0] ?? 0, bytes, length);
    if (this.#message !== undefined) {
      throw new StatusError("protocol error: received extra input message for unary method", Code.Unimplemented);
    }
    this.#message = message;
    this.#length = undefined;
    this.#held -= end;
    this.#pieces = this.#held > 0 ? [bytes.subarray(end)] : [];
  }

  #parseOne(flags: number, bytes: Buffer, length: number): M {
    if ((flags & compressedFlag) !== 0) {
      throw new StatusError("received compressed envelope, but do not know how to decompress", Code.Internal);
    }
    return this.#parse(new Uint8Array(bytes.buffer, bytes.byteOffset + PREFIX_BYTES, length));
  }

  /** What is held, in one piece: made of many at most twice for a message. */
  #joined(): Buffer {
    const [first, second] = this.#pieces;
    if (first && !second) return first;
    const all = Buffer.concat(this.#pieces);
    this.#pieces = [all];
    return all;
  }
}

/** A message as gRPC sends it, uncompressed. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(PREFIX_BYTES + message.byteLength);
  framed[0] = 0;
  framed.writeUInt32BE(message.byteLength, 1);
  framed.set(message, PREFIX_BYTES);
  return framed;
}
