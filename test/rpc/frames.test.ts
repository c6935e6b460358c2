import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  ReadRequestSchema,
  ReadResponseSchema,
  WriteRequestSchema,
} from "../../gen/google/bytestream/bytestream_pb.ts";
import { OperationSchema } from "../../gen/google/longrunning/operations_pb.ts";
import { bytesFrame, frame } from "../../src/rpc/fast-path/frames.ts";

test("a message of bytes is framed as the encoder would, without a copy of the bytes", () => {
  const framed = bytesFrame(ReadResponseSchema);
  assert.ok(framed);
  for (const length of [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 5_000_000]) {
    const data = new Uint8Array(length).fill(7);
    const message = create(ReadResponseSchema, { data });
    const [head, bytes] = framed(message);
    assert.equal(bytes, data);
    assert.ok(Buffer.concat([head, bytes]).equals(frame(toBinary(ReadResponseSchema, message))), String(length));
  }
});

test("other types have no such frame", () => {
  for (const schema of [ReadRequestSchema, WriteRequestSchema, OperationSchema]) {
    assert.equal(bytesFrame(schema), undefined, schema.typeName);
  }
});
