import assert from "node:assert/strict";
import { test } from "node:test";
import { BadRequestSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { sha256 } from "../../src/base/digests.ts";
import { Code, StatusError } from "../../src/base/errors.ts";
import { fromDigest, toDigest } from "../../src/base/wire-digests.ts";

const HASH = "0123456789abcdef".repeat(4);
const SHA256 = 1;
const BLAKE3 = 9;

function violatedField(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof StatusError && error.code === Code.InvalidArgument, `${error}`);
    return error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field;
  }
  return assert.fail("no error");
}

test("reads a digest with and without its function and writes it again", () => {
  const wire = { hash: HASH, sizeBytes: 9_007_199_254_740_991n };
  for (const value of [SHA256, 0]) {
    const digest = toDigest(wire, value, "field");
    assert.deepEqual(digest, { fn: sha256, hash: HASH, sizeBytes: Number.MAX_SAFE_INTEGER });
    assert.deepEqual(fromDigest(digest), wire);
  }
});

test("names the field of a digest that is missing or bad", () => {
  assert.equal(
    violatedField(() => toDigest(undefined, SHA256, "action_digest")),
    "action_digest",
  );
  const bad = [
    ["", 0n],
    [HASH.toUpperCase(), 1n],
    [`${HASH}0`, 1n],
    [HASH.replace("0", "\0"), 1n],
    [HASH, -1n],
    [HASH, 9_007_199_254_740_992n],
  ] as const;
  for (const [hash, sizeBytes] of bad) {
    for (const value of [SHA256, 0])
      assert.equal(
        violatedField(() => toDigest({ hash, sizeBytes }, value, "x")),
        "x",
      );
  }
});

test("names the digest function when it is not supported", () => {
  assert.equal(
    violatedField(() => toDigest({ hash: HASH, sizeBytes: 1n }, BLAKE3, "x")),
    "digest_function",
  );
  assert.equal(
    violatedField(() => toDigest({ hash: HASH, sizeBytes: 1n }, -5, "x")),
    "digest_function",
  );
});
