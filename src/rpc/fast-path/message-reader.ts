import { compressedFlag } from "@connectrpc/connect/protocol";
import { Code, StatusError } from "../../base/errors.ts";
import { PREFIX_BYTES } from "./frames.ts";

const NOTHING = Buffer.alloc(0);

/**
 * Reads the body of a request that is one gRPC message, as it comes in, and says in Connect's words what is wrong
 * with it as soon as that is known.
 */
export class MessageReader<M> {
  readonly #parse: (bytes: Uint8Array) => M;
  readonly #maxBytes: number;
  /** As error messages name it. */
  readonly #kind: string;
  /** What has come in and is not read yet. */
  #held: Buffer = NOTHING;
  /** The memory that begins with `#held`, once it has come in several pieces. */
  #store: Buffer | undefined;
  /** Of the message that is coming in; undefined before its prefix is there. */
  #length: number | undefined;
  #message: M | undefined;

  /** `parse` is given the bytes of the message, without a copy where they came in one piece. */
  constructor(parse: (bytes: Uint8Array) => M, maxBytes: number, kind: "unary" | "server_streaming") {
    this.#parse = parse;
    this.#maxBytes = maxBytes;
    this.#kind = kind.replace("_", "-");
  }

  /** Throws for a message that is too long, compressed or malformed, and for a second one. */
  add(piece: Buffer): void {
    this.#held = this.#held.length === 0 ? piece : this.#append(piece);
    while (this.#held.length >= PREFIX_BYTES + (this.#length ?? 0)) {
      if (this.#length === undefined) this.#readPrefix();
      else this.#readMessage(this.#length);
    }
  }

  /** The message, when the client has sent all. Throws when it is missing or incomplete. */
  end(): M {
    // Connect takes no notice of a prefix behind which nothing comes.
    const ignored = this.#length === undefined ? 0 : PREFIX_BYTES;
    if (this.#held.length > ignored) {
      throw new StatusError("protocol error: incomplete envelope", Code.InvalidArgument);
    }
    if (this.#message !== undefined) return this.#message;
    throw new StatusError(`protocol error: missing input message for ${this.#kind} method`, Code.Unimplemented);
  }

  /** Doubles the memory when it is full, so that a client that sends single bytes costs no more than another. */
  #append(piece: Buffer): Buffer {
    const held = this.#held;
    const length = held.length + piece.length;
    if (!this.#store || this.#store.length < length) {
      this.#store = Buffer.allocUnsafe(Math.max(length, 2 * held.length));
      held.copy(this.#store);
    }
    piece.copy(this.#store, held.length);
    return this.#store.subarray(0, length);
  }

  #readPrefix(): void {
    const length = this.#held.readUInt32BE(1);
    if (length > this.#maxBytes) {
      const problem = `message size ${length} is larger than configured readMaxBytes ${this.#maxBytes}`;
      throw new StatusError(problem, Code.ResourceExhausted);
    }
    this.#length = length;
  }

  #readMessage(length: number): void {
    const message = this.#parseOne(this.#held, length);
    if (this.#message !== undefined) {
      throw new StatusError(
        `protocol error: received extra input message for ${this.#kind} method`,
        Code.Unimplemented,
      );
    }
    this.#message = message;
    this.#length = undefined;
    const end = PREFIX_BYTES + length;
    this.#held = this.#held.length === end ? NOTHING : this.#held.subarray(end);
    this.#store = undefined;
  }

  #parseOne(bytes: Buffer, length: number): M {
    if (((bytes[0] ?? 0) & compressedFlag) !== 0) {
      throw new StatusError("received compressed envelope, but do not know how to decompress", Code.Internal);
    }
    return this.#parse(new Uint8Array(bytes.buffer, bytes.byteOffset + PREFIX_BYTES, length));
  }
}
