import { type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";

/** Bytes before each gRPC message: a compression flag and the length. */
export const PREFIX_BYTES = 5;
const LENGTH_DELIMITED = 2;

/** A message as gRPC sends it, uncompressed. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(PREFIX_BYTES + message.byteLength);
  writePrefix(framed, message.byteLength);
  framed.set(message, PREFIX_BYTES);
  return framed;
}

/** Frames a message without a copy of its bytes: what comes before them, and the bytes themselves. */
export type BytesFrame = (message: Message) => readonly [head: Buffer, bytes: Uint8Array];

/** For types that have one field, which is of bytes: what ByteStream.Read sends. Undefined for all others. */
export function bytesFrame({ fields }: DescMessage): BytesFrame | undefined {
  const [field, ...others] = fields;
  if (!field || others.length > 0 || !isBytes(field)) return undefined;
  const tag = varint((field.number << 3) | LENGTH_DELIMITED);
  return (message) => {
    const bytes = (message as unknown as Record<string, Uint8Array>)[field.localName] as Uint8Array;
    const begin = bytes.byteLength === 0 ? [] : [...tag, ...varint(bytes.byteLength)];
    const head = Buffer.from([0, 0, 0, 0, 0, ...begin]);
    writePrefix(head, begin.length + bytes.byteLength);
    return [head, bytes];
  };
}

function isBytes(field: DescField): boolean {
  return field.fieldKind === "scalar" && field.scalar === ScalarType.BYTES && field.oneof === undefined;
}

function writePrefix(into: Buffer, length: number): void {
  into[0] = 0;
  into.writeUInt32BE(length, 1);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}
