import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatOperationName, parseOperationName } from "../../src/operations/operations.ts";
import { refusal } from "./refusals.ts";

test("splits an operation name at its last slash", () => {
  assert.deepEqual(parseOperationName("main/abc"), { instance: "main", id: "abc" });
  assert.deepEqual(parseOperationName("a/b/c/abc"), { instance: "a/b/c", id: "abc" });
});

test("takes a bare id and an id after a leading slash as of the nameless instance", () => {
  assert.deepEqual(parseOperationName("abc"), { instance: "", id: "abc" });
  assert.deepEqual(parseOperationName("/abc"), { instance: "", id: "abc" });
  assert.equal(formatOperationName("", "abc"), "abc");
  assert.equal(formatOperationName("main", "abc"), "main/abc");
});

for (const [what, name] of [
  ["nothing at all", ""],
  ["no id", "main/"],
  ["only a slash", "/"],
  ["a blank", "main/a b"],
  ["a blank in the instance", "ma in/abc"],
  ["a line break", "main/abc\n"],
  ["a no-break space", "main/abc\u00a0"],
  ["a NUL", "main/\0abc"],
  ["an escape character", "\u001b[31m/abc"],
  ["a C1 control character", "main/\u0085abc"],
  ["too many characters", `main/${"a".repeat(508)}`],
] as const) {
  test(`refuses an operation name with ${what}`, () => {
    refusal("name", () => parseOperationName(name));
  });
}

test("accepts an operation name of 512 characters", () => {
  assert.equal(parseOperationName(`main/${"a".repeat(507)}`).id.length, 507);
});

test("a formatted name parses to what it was made of", () => {
  const segment = fc.stringMatching(/^[!-.0-~]{1,20}$/);
  const instance = fc.array(segment, { maxLength: 4 }).map((segments) => segments.join("/"));
  fc.assert(
    fc.property(instance, segment, (instance, id) => {
      assert.deepEqual(parseOperationName(formatOperationName(instance, id)), { instance, id });
    }),
  );
});

test("an arbitrary string is split or refused as a bad name", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 60 }), (name) => {
      let parsed: ReturnType<typeof parseOperationName>;
      try {
        parsed = parseOperationName(name);
      } catch {
        refusal("name", () => parseOperationName(name));
        return;
      }
      assert.ok(name === `${parsed.instance}/${parsed.id}` || name === parsed.id);
    }),
  );
});
