import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { RequestMetadataSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { ClientIdentitySchema } from "../../gen/build/buildgrid/identity_pb.ts";
import {
  clientIdentityBytes,
  parseRequestMetadata,
  type RequestMetadata,
  requestMetadataBytes,
} from "../../src/operations/operations.ts";
import { recordOf } from "./records.ts";

const metadata: RequestMetadata = {
  toolName: "bazel",
  toolVersion: "4.2.3",
  actionId: "ab12",
  invocationId: "inv-1",
  correlatedInvocationsId: "cor-1",
  actionMnemonic: "CppCompile",
  targetId: "//main:größe",
  configurationId: "k8-opt",
};

const encode = (init: MessageInitShape<typeof RequestMetadataSchema>) =>
  toBinary(RequestMetadataSchema, create(RequestMetadataSchema, init));

test("request metadata goes out as it came in", () => {
  const bytes = requestMetadataBytes(recordOf({ requestMetadata: metadata }));
  assert.ok(bytes);
  assert.deepEqual(parseRequestMetadata(bytes), metadata);
  const message = fromBinary(RequestMetadataSchema, bytes);
  assert.equal(message.toolDetails?.toolName, "bazel");
  assert.equal(message.toolInvocationId, "inv-1");
});

test("an operation without metadata or identity has no bytes of them", () => {
  assert.equal(requestMetadataBytes(recordOf()), undefined);
  assert.equal(clientIdentityBytes(recordOf()), undefined);
});

test("the identity of the creator is encoded", () => {
  const identity = { actor: "ci", subject: "team-a", workflow: "nightly" };
  const bytes = clientIdentityBytes(recordOf({ identity }));
  assert.ok(bytes);
  const { actor, subject, workflow } = fromBinary(ClientIdentitySchema, bytes);
  assert.deepEqual({ actor, subject, workflow }, identity);
});

test("metadata that says nothing counts as none", () => {
  assert.equal(parseRequestMetadata(new Uint8Array()), undefined);
  assert.equal(parseRequestMetadata(encode({ toolDetails: {} })), undefined);
});

test("metadata that is partly given has empty texts for the rest", () => {
  assert.equal(parseRequestMetadata(encode({ actionId: "x" }))?.toolName, "");
});

for (const [what, bytes] of [
  ["cut short", encode({ actionId: "abcdef" }).subarray(0, 4)],
  ["of an unknown wire type", new Uint8Array([0x17, 0x01])],
  ["with text that is no UTF-8", new Uint8Array([0x12, 0x02, 0xff, 0xfe])],
  ["of groups without end", new Uint8Array(60_000).fill(0x7b)],
] as const) {
  test(`metadata ${what} counts as none`, () => {
    assert.equal(parseRequestMetadata(bytes), undefined);
  });
}

test("fields are cut to 1 KiB of UTF-8, never inside of a character", () => {
  assert.equal(parseRequestMetadata(encode({ targetId: "x".repeat(1024) }))?.targetId, "x".repeat(1024));
  assert.equal(parseRequestMetadata(encode({ targetId: "x".repeat(5000) }))?.targetId, "x".repeat(1024));
  assert.equal(parseRequestMetadata(encode({ targetId: "€".repeat(400) }))?.targetId, "€".repeat(341));
  assert.equal(parseRequestMetadata(encode({ targetId: `xy${"😀".repeat(300)}` }))?.targetId, `xy${"😀".repeat(255)}`);
});

test("control characters become spaces", () => {
  const parsed = parseRequestMetadata(encode({ actionId: "a\0b\u001b[31m\n", targetId: "\u0085" }));
  assert.equal(parsed?.actionId, "a b [31m ");
  assert.equal(parsed?.targetId, " ");
});

test("arbitrary bytes never throw, and what they give is short and clean", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const field of Object.values(parseRequestMetadata(bytes) ?? {})) {
        assert.ok(Buffer.byteLength(field) <= 1024);
        assert.doesNotMatch(field, /\p{Cc}/u);
      }
    }),
    { numRuns: 1000 },
  );
});
