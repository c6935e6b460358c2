import assert from "node:assert/strict";
import { test } from "node:test";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { FieldScanner } from "../../src/operations/field-scanner.ts";

type Field = readonly [number: number, start: number, end: number];

function scan(bytes: Uint8Array): Field[] | "damaged" {
  const found: Field[] = [];
  try {
    for (const fields = new FieldScanner(bytes); fields.next(); ) found.push([fields.number, fields.start, fields.end]);
    return found;
  } catch {
    return "damaged";
  }
}

function readByProtobuf(bytes: Uint8Array): Field[] | "damaged" {
  const reader = new BinaryReader(bytes);
  const found: Field[] = [];
  try {
    while (reader.pos < reader.len) {
      const start = reader.pos;
      const [number, wireType] = reader.tag();
      reader.skip(wireType, number);
      found.push([number, start, reader.pos]);
    }
    return found;
  } catch {
    return "damaged";
  }
}

const fieldNumber = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 2 ** 29 - 1 }));
const writeField = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => (writer: BinaryWriter, number: number) => {
    writer.tag(number, WireType.Varint).uint64(value);
  }),
  fc.uint8Array({ maxLength: 300 }).map((value) => (writer: BinaryWriter, number: number) => {
    writer.tag(number, WireType.LengthDelimited).bytes(value);
  }),
  fc.integer({ min: 0, max: 2 ** 32 - 1 }).map((value) => (writer: BinaryWriter, number: number) => {
    writer.tag(number, WireType.Bit32).fixed32(value);
  }),
  fc.integer({ min: 0, max: 2 ** 32 - 1 }).map((value) => (writer: BinaryWriter, number: number) => {
    writer.tag(number, WireType.Bit64).fixed64(value);
  }),
  fc.boolean().map((value) => (writer: BinaryWriter, number: number) => {
    writer.tag(number, WireType.StartGroup).tag(1, WireType.Varint).bool(value).tag(number, WireType.EndGroup);
  }),
);
const message = fc.array(fc.tuple(fieldNumber, writeField), { maxLength: 10 }).map((fields) => {
  const writer = new BinaryWriter();
  for (const [number, write] of fields) write(writer, number);
  return writer.finish();
});

test("finds the fields that protobuf finds", () => {
  fc.assert(
    fc.property(message, (bytes) => {
      const found = scan(bytes);
      assert.notEqual(found, "damaged");
      assert.deepEqual(found, readByProtobuf(bytes));
    }),
  );
});

test("takes for damaged what protobuf does, also when a message is cut short or has a wrong byte", () => {
  const cut = fc.tuple(message, fc.nat()).map(([bytes, at]) => bytes.subarray(0, at % (bytes.length + 1)));
  const wrong = fc.tuple(message, fc.nat(), fc.nat(255)).map(([bytes, at, byte]) => {
    const copy = bytes.slice();
    if (copy.length > 0) copy[at % copy.length] = byte;
    return copy;
  });
  // Of a length that takes more than five bytes, which none is written with, protobuf takes the lower 32 bits.
  const longLength = /[\x80-\xff]{5}/;
  fc.assert(
    fc.property(fc.oneof(cut, wrong, fc.uint8Array({ maxLength: 20 })), (bytes) => {
      fc.pre(!longLength.test(Buffer.from(bytes).toString("latin1")));
      assert.deepEqual(scan(bytes), readByProtobuf(bytes));
    }),
    { numRuns: 1000 },
  );
});

test("refuses lengths and tags that are too long, and what is no message", () => {
  for (const bytes of [
    [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    [0x8a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
    [0x8a, 0x80, 0x80, 0x80, 0x10, 0x00],
    [0x0a, 0x80, 0x80, 0x80, 0x80, 0x10],
  ]) {
    assert.equal(scan(new Uint8Array(bytes)), "damaged");
  }
  const fields = new FieldScanner(new Uint8Array([0x08, 0x01]));
  assert.equal(fields.next(), true);
  assert.throws(() => fields.message(), RangeError);
});

test("answers the message that a field holds", () => {
  const inner = new Uint8Array([8, 1]);
  const fields = new FieldScanner(new BinaryWriter().tag(3, WireType.LengthDelimited).bytes(inner).finish());
  assert.equal(fields.next(), true);
  assert.deepEqual(fields.message(), inner);
  assert.equal(fields.next(), false);
});
