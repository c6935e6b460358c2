import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sha256 } from "../../src/base/digests.ts";
import { Code, StatusError } from "../../src/base/errors.ts";
import { parseReadName, parseWriteName } from "../../src/cas/cas.ts";

const HASH = "0123456789abcdef".repeat(4);
const reserved = ["blobs", "uploads", "actions", "actionResults", "operations", "capabilities", "compressed-blobs"];

const word = fc
  .string({ minLength: 1, unit: "grapheme" })
  .filter((text) => !text.includes("/") && !reserved.includes(text));
const instanceName = fc.array(word, { maxLength: 4 }).map((words) => words.join("/"));
const blob = fc.record({
  hash: fc.stringMatching(/^[0-9a-f]{64}$/),
  sizeBytes: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  compressor: fc.constantFrom("identity", "zstd", "deflate", "brotli", "no-such"),
  functionSegment: fc.constantFrom("", "sha256/"),
});

interface BlobParts {
  hash: string;
  sizeBytes: number;
  compressor: string;
  functionSegment: string;
}

function format({ hash, sizeBytes, compressor, functionSegment }: BlobParts): string {
  const kind = compressor === "identity" ? "blobs" : `compressed-blobs/${compressor}`;
  return `${kind}/${functionSegment}${hash}/${sizeBytes}`;
}

function within(instance: string, rest: string): string {
  return instance === "" ? rest : `${instance}/${rest}`;
}

function assertMalformed(parse: (name: string) => unknown, name: string): void {
  assert.throws(
    () => parse(name),
    (error) => {
      assert.ok(error instanceof StatusError, `${error}`);
      assert.equal(error.code, Code.InvalidArgument);
      assert.match(error.message, /resource name "/);
      assert.ok(error.message.length < 4000);
      return true;
    },
    name,
  );
}

test("reads back every name to read from", () => {
  fc.assert(
    fc.property(instanceName, blob, (instance, parts) => {
      const { hash, sizeBytes, compressor } = parts;
      const expected = { instance, digest: { fn: sha256, hash, sizeBytes }, compressor, uploadId: undefined };
      assert.deepEqual(parseReadName(within(instance, format(parts))), expected);
    }),
  );
});

test("reads back every name to write to, whatever follows the size", () => {
  const tail = fc.oneof(
    fc.constant(""),
    fc.string({ unit: "grapheme" }).map((text) => `/${text}`),
  );
  const anyId = fc.string({ minLength: 1, unit: "grapheme" }).filter((text) => !text.includes("/"));
  const id = fc.oneof(fc.uuid(), fc.constantFrom(...reserved), anyId);
  fc.assert(
    fc.property(instanceName, id, blob, tail, (instance, uploadId, parts, rest) => {
      const { hash, sizeBytes, compressor } = parts;
      const expected = { instance, digest: { fn: sha256, hash, sizeBytes }, compressor, uploadId };
      assert.deepEqual(parseWriteName(`${within(instance, `uploads/${uploadId}/${format(parts)}`)}${rest}`), expected);
    }),
  );
});

test("takes a leading slash for the empty instance", () => {
  assert.equal(parseReadName(`/blobs/${HASH}/5`).instance, "");
  assert.equal(parseWriteName(`/uploads/id/blobs/${HASH}/5`).instance, "");
});

test("refuses malformed names to read from", () => {
  const names = [
    ...["", "/", "blobs", "main", HASH, `${HASH}/5`, `main/${HASH}/5`, "blobs//", "blobs/5", `blobs/${HASH}`],
    ...[`blobs/${HASH}/`, `blobs/${HASH}/-1`, `blobs/${HASH}/+5`, `blobs/${HASH}/5.0`, `blobs/${HASH}/0x5`],
    ...[`blobs/${HASH}/05`, `blobs/${HASH}/5 `, `blobs/${HASH}/9007199254740992`, `blobs/${HASH}/${"9".repeat(400)}`],
    ...[`blobs/${HASH.toUpperCase()}/5`, `blobs/${HASH}0/5`, `blobs/${HASH.slice(1)}/5`, `blobs/${"g".repeat(64)}/5`],
    ...[`blobs/${HASH}/5/more`, `blobs/blake3/${HASH}/5`, `blobs/SHA256/${HASH}/5`, `blobs/sha256/${HASH.slice(2)}/5`],
    ...[`compressed-blobs/${HASH}/5`, `compressed-blobs//${HASH}/5`, `compressed-blobs/zstd/${HASH}`],
    ...[`uploads/id/blobs/${HASH}/5`, `\u0000/${"x".repeat(100_000)}\ud83d`],
    ...reserved.map((each) => `main/${each}/sub/blobs/${HASH}/5`),
  ];
  for (const name of names) assertMalformed(parseReadName, name);
});

test("refuses malformed names to write to", () => {
  const names = [
    ...["", "uploads", "uploads/", "uploads/id", `uploads/blobs/${HASH}/5`, `uploads//blobs/${HASH}/5`],
    ...[`blobs/${HASH}/5`, `main/blobs/${HASH}/5`, `uploads/id/other/blobs/${HASH}/5`, `uploads/id/blobs/${HASH}`],
    ...[`uploads/id/blobs/${HASH}/x`, `uploads/id/compressed-blobs/${HASH}/5`, `uploads/id/blobs/md5/${HASH}/5`],
    ...reserved.map((each) => `main/${each}/uploads/id/blobs/${HASH}/5`),
  ];
  for (const name of names) assertMalformed(parseWriteName, name);
});

test("answers any text with a name or INVALID_ARGUMENT", () => {
  const piece = fc.constantFrom(
    "/",
    "blobs",
    "uploads",
    "compressed-blobs",
    "zstd",
    "sha256",
    HASH,
    "5",
    "",
    "main",
    "id",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
      for (const parse of [parseReadName, parseWriteName]) {
        try {
          assert.equal(parse(pieces.join("/")).digest.hash, HASH);
        } catch (error) {
          assert.ok(error instanceof StatusError && error.code === Code.InvalidArgument, `${error}`);
        }
      }
    }),
  );
});
