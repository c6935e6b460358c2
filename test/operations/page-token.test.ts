import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  decodePageToken,
  encodePageToken,
  type FilteredQuery,
  resolveFilter,
  type SortValue,
} from "../../src/operations/operations.ts";
import { refusal } from "./refusals.ts";

const queryOf = (text: string, instance = "main"): FilteredQuery => ({
  instance,
  ...resolveFilter(text, "stage != COMPLETED"),
});
const query = queryOf("sort_order=start_time & sort_order=command");
const NOW = 1_767_225_700_000;
const values: SortValue[] = [1_767_225_600_000, "gcc -c a|b.c", "0198-a"];
const token = encodePageToken({ values: values, now: NOW }, query);

const reencode = (change: (parts: unknown[]) => unknown): string => {
  const parts = JSON.parse(Buffer.from(token, "base64url").toString()) as unknown[];
  return Buffer.from(JSON.stringify(change(parts))).toString("base64url");
};
const problem = (bad: string, of = query) => refusal("page_token", () => decodePageToken(bad, of)).rawMessage;

test("a token gives back the sort values of its query", () => {
  assert.match(token, /^[A-Za-z0-9_-]+$/);
  assert.deepEqual(decodePageToken(token, query), { values, now: NOW });
});

test("a token carries a missing sort value", () => {
  const missing = [null, "", "0198-a"];
  assert.deepEqual(decodePageToken(encodePageToken({ values: missing, now: NOW }, query), query), {
    values: missing,
    now: NOW,
  });
});

test("a token is good however the same filter is written", () => {
  const asked = queryOf("stage=queued & name!=x");
  const rewritten = queryOf("  stage = QUEUED AND name != x & sort_order=queued_time(asc)");
  const made = encodePageToken({ values: [1, "0198-a"], now: NOW }, asked);
  assert.deepEqual(decodePageToken(made, rewritten), { values: [1, "0198-a"], now: NOW });
});

for (const [what, other] of [
  ["another instance", queryOf("sort_order=start_time & sort_order=command", "other")],
  ["another filter", queryOf("stage=QUEUED & sort_order=start_time & sort_order=command")],
  ["another order", queryOf("sort_order=completed_time & sort_order=command")],
  ["another direction", queryOf("sort_order=start_time(desc) & sort_order=command")],
  ["fewer sort terms", queryOf("sort_order=start_time")],
] as const) {
  test(`refuses a token of ${what}`, () => {
    assert.match(problem(token, other), /belongs to another instance, filter or sort order/);
  });
}

test("an instance name cannot be mistaken for a part of the filter", () => {
  const made = encodePageToken({ values: [1, "a"], now: NOW }, queryOf("name=a", "main"));
  problem(made, queryOf("", 'main","name = a'));
});

for (const version of [0, 1, 3, "2", null]) {
  test(`refuses a token of version ${JSON.stringify(version)}`, () => {
    assert.match(problem(reencode((parts) => [version, ...parts.slice(1)])), /another version/);
  });
}

for (const [what, change] of [
  ["no time of the first request", (parts) => parts.with(2, null)],
  ["a time of the first request beyond all times", (parts) => parts.with(2, 2 ** 52)],
  ["half a character in a text", (parts) => parts.with(4, "\ud800")],
  ["a text for a time", (parts) => parts.with(3, "2026-01-01")],
  ["a fraction for a time", (parts) => parts.with(3, 1.5)],
  ["a number beyond exactness", (parts) => parts.with(3, 2 ** 60)],
  ["a number for a text", (parts) => parts.with(4, 7)],
  ["a list for a text", (parts) => parts.with(4, ["x"])],
  ["an object for a text", (parts) => parts.with(5, { a: 1 })],
  ["no value where every operation has one", (parts) => parts.with(5, null)],
  ["a NUL in a text", (parts) => parts.with(4, "a\0b")],
  ["a value too few", (parts) => parts.slice(0, -1)],
  ["a value too many", (parts) => [...parts, 1]],
  ["no list", () => ({ 0: 1 })],
  ["an empty list", () => []],
  ["nothing", () => null],
] as [string, (parts: unknown[]) => unknown][]) {
  test(`refuses a token with ${what}`, () => {
    assert.match(problem(reencode(change)), /not a token of this list/);
  });
}

for (const [what, bad] of [
  ["words", "next page please"],
  ["padding", `${token}=`],
  ["characters that base64url has not", `${token}!!`],
  ["standard base64", Buffer.from(JSON.stringify([2, "??>", "~~~"])).toString("base64")],
  ["a missing end", token.slice(0, -4)],
  ["bytes that are no text", Buffer.from([0xff, 0xfe, 0x00]).toString("base64url")],
  ["a million characters", "A".repeat(1_000_000)],
  ["deep nesting", Buffer.from("[".repeat(20_000)).toString("base64url")],
] as const) {
  test(`refuses a token of ${what}`, () => {
    assert.match(problem(bad), /not a token of this list/);
  });
}

test("a token with any one character changed is refused, or is a well-typed one", () => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  fc.assert(
    fc.property(fc.nat(token.length - 1), fc.nat(63), (at, letter) => {
      const changed = token.slice(0, at) + alphabet[letter] + token.slice(at + 1);
      let decoded: readonly SortValue[];
      try {
        decoded = decodePageToken(changed, query).values;
      } catch {
        problem(changed);
        return;
      }
      assert.deepEqual(
        decoded.map((value) => typeof value),
        ["number", "string", "string"],
      );
    }),
    { numRuns: 1000 },
  );
});

test("an arbitrary token is refused with INVALID_ARGUMENT", () => {
  const json = fc.json().map((text) => Buffer.from(text).toString("base64url"));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.base64String(), json), (bad) => {
      problem(bad);
    }),
    { numRuns: 1000 },
  );
});
