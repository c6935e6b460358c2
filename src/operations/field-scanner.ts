import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** Varints of lengths and tags have no more bytes. */
const MOST_VARINT_BYTES = 5;

/** Walks through the fields of an encoded message without decoding them. All of it throws where the bytes are damaged. */
export class FieldScanner {
  /** Number of the field that `next` has gone to. */
  number = 0;
  /** Where that field begins, tag included, and ends. */
  start = 0;
  end = 0;
  readonly #bytes: Uint8Array;
  #wireType = 0;
  #valueAt = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Goes to the next field, if there is one. */
  next(): boolean {
    this.start = this.end;
    if (this.start >= this.#bytes.length) return false;
    const tag = this.#varint();
    this.number = tag >>> 3;
    this.#wireType = tag & 7;
    if (this.number === 0 || tag > 0xffffffff) throw new RangeError("illegal tag");
    this.#skip();
    if (this.end > this.#bytes.length) throw new RangeError("premature end");
    return true;
  }

  /** The encoded message that the field holds. */
  message(): Uint8Array {
    if (this.#wireType !== WireType.LengthDelimited) throw new RangeError("no message");
    return this.#bytes.subarray(this.#valueAt, this.end);
  }

  #skip(): void {
    switch (this.#wireType) {
      case WireType.LengthDelimited: {
        const length = this.#varint();
        this.#valueAt = this.end;
        this.end += length;
        return;
      }
      case WireType.Varint:
        while ((this.#bytes[this.end++] ?? 0) >= 0x80);
        return;
      default: {
        const rest = new BinaryReader(this.#bytes.subarray(this.end));
        rest.skip(this.#wireType, this.number);
        this.end += rest.pos;
      }
    }
  }

  #varint(): number {
    let value = 0;
    for (let i = 0; i < MOST_VARINT_BYTES; i++) {
      const byte = this.#bytes[this.end++];
      if (byte === undefined) throw new RangeError("premature end");
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    throw new RangeError("varint too long");
  }
}
