import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Filter,
  filterKeys,
  parseFilter,
  printFilter,
  resolveFilter,
  type SortKey,
  Stage,
  sortKeys,
} from "../../src/operations/operations.ts";
import { by, compare, sortTerms, writtenFilters } from "./filters.ts";
import { refusal } from "./refusals.ts";

test("parses one comparison to a typed value", () => {
  assert.deepEqual(parseFilter("stage=EXECUTING"), {
    filter: compare("stage", "=", Stage.EXECUTING),
    order: [],
    hasFilter: true,
  });
});

for (const op of ["=", "!=", "<", "<=", ">", ">="] as const) {
  test(`compares stages and names with ${op}`, () => {
    assert.deepEqual(parseFilter(`stage${op}QUEUED`).filter, compare("stage", op, Stage.QUEUED));
    assert.deepEqual(parseFilter(`name ${op} 0198-a`).filter, compare("name", op, "0198-a"));
  });
}

for (const [name, value] of Object.entries(Stage)) {
  test(`knows the stage ${name} in any case`, () => {
    assert.deepEqual(parseFilter(`stage=${name.toLowerCase()}`).filter, compare("stage", "=", value));
  });
}

test("joins terms by & and by AND, with white space anywhere between tokens", () => {
  const filter: Filter = {
    kind: "and",
    terms: [compare("stage", ">=", 2), compare("name", "=", "abc"), compare("stage", "!=", 4)],
  };
  assert.deepEqual(parseFilter("stage>=QUEUED&name=abc&stage!=COMPLETED").filter, filter);
  assert.deepEqual(parseFilter("\n stage >= QUEUED\tAND name =abc &\r\n stage!= COMPLETED ").filter, filter);
});

test("collects the sort terms in the order they are written, wherever they stand", () => {
  const parsed = parseFilter(
    "sort_order = completed_time(desc) & stage = QUEUED & sort_order=command & sort_order=name ( ASC )",
  );
  assert.deepEqual(parsed.filter, compare("stage", "=", 2));
  assert.deepEqual(parsed.order, [by("completed_time", true), by("command"), by("name")]);
});

for (const key of Object.keys(sortKeys) as SortKey[]) {
  test(`sorts by ${key}`, () => {
    assert.deepEqual(parseFilter(`sort_order=${key}(desc)`).order, [by(key, true)]);
  });
}

test("an empty or blank text has neither filter nor order", () => {
  for (const text of ["", " \n"]) {
    assert.deepEqual(parseFilter(text), { filter: { kind: "and", terms: [] }, order: [], hasFilter: false });
  }
});

test("the default filter stands in for an empty text only", () => {
  const standard = "stage != COMPLETED & sort_order = priority";
  assert.deepEqual(resolveFilter("", standard).filter, compare("stage", "!=", 4));
  assert.deepEqual(resolveFilter("  ", standard).order, [by("priority"), by("name")]);
  assert.deepEqual(resolveFilter("stage=QUEUED", standard), {
    filter: compare("stage", "=", 2),
    order: [by("queued_time"), by("name")],
    hasFilter: true,
  });
});

test("a text that only sorts replaces the default filter, so that completed operations appear", () => {
  assert.deepEqual(resolveFilter("sort_order=start_time", "stage != COMPLETED"), {
    filter: { kind: "and", terms: [] },
    order: [by("start_time"), by("name")],
    hasFilter: false,
  });
});

test("every order ends with the name and has each key once", () => {
  const orderOf = (text: string) => resolveFilter(text, "").order;
  assert.deepEqual(orderOf(""), [by("queued_time"), by("name")]);
  assert.deepEqual(orderOf("sort_order=name(desc)"), [by("name", true)]);
  assert.deepEqual(orderOf("sort_order=stage & sort_order=name(desc) & sort_order=command"), [
    by("stage"),
    by("name", true),
  ]);
  assert.deepEqual(orderOf("sort_order=stage & sort_order=stage(desc)"), [by("stage"), by("name")]);
});

for (const [text, position, says] of [
  ["stgae = QUEUED", 1, "did you mean stage?"],
  ["stage = QEUED", 9, "did you mean QUEUED?"],
  ["stage = 3", 9, "one of UNKNOWN, CACHE_CHECK, QUEUED, EXECUTING, COMPLETED"],
  ["sort_ordr = name", 1, "did you mean sort_order?"],
  ["sort_order = start_tiem", 14, "did you mean start_time?"],
  ["sort_order = colour", 14, "expected one of name, stage"],
  ["sort_order = platform", 14, "is no sort key"],
  ["sort_order != name", 12, "only be used with ="],
  ["sort_order = name(up)", 19, "expected asc or desc"],
  ["sort_order = name(asc", 22, 'expected ")"'],
  ["sort_order = ", 14, "expected a sort key, found the end of the filter"],
  ["colour = 1", 1, '"colour" is no key; expected one of name, stage, done'],
  ["command", 8, 'expected an operator after "command"'],
  ["__proto__ = 1", 1, "is no key"],
  ["constructor = 1", 1, "is no key"],
  ["stage", 6, 'expected an operator after "stage"'],
  ["stage QUEUED", 7, 'expected an operator after "stage"'],
  ["stage =", 8, "expected a value"],
  ["stage = & name = a", 9, "expected a value"],
  ["stage == QUEUED", 8, 'unexpected character "="'],
  ["stage ! QUEUED", 7, 'unexpected character "!"'],
  ["stage = QUEUED |", 16, 'unexpected character "|"'],
  ["name = main/abc", 8, "without the instance"],
  ["stage = QUEUED and name = a", 16, '"and" is no key; did you mean AND?'],
  ["not stage = QUEUED", 1, '"not" is no key; did you mean NOT?'],
  ["stage = QUEUED OR", 18, "expected a key, found the end of the filter"],
  ["stage = QUEUED )", 16, 'expected AND, & or OR, found ")"'],
  ["(stage = QUEUED", 16, 'expected AND, OR or ")", found the end of the filter'],
  ["(stage = )", 10, "expected a value"],
  ["()", 2, 'expected a key, found ")"'],
  ["NOT", 4, "expected a key"],
  ["- & name = a", 3, "expected a key"],
  ["(sort_order = name)", 2, "cannot stand inside of OR, NOT or parentheses"],
  ["-sort_order = name", 2, "cannot stand inside of OR, NOT or parentheses"],
  ["done OR sort_order = name", 9, "cannot stand inside of OR, NOT or parentheses"],
  ["sort_order = name OR done", 1, "cannot stand inside of OR, NOT or parentheses"],
  ['name = "abc', 8, "the quotation does not end"],
  ['name = "a\\x"', 10, "no escape; expected one of"],
  ['name = "a\\u00"', 10, "no escape"],
  ['tool_name = "\\u0000"', 13, "cannot have the character NUL"],
  ['tool_name = "\\ud800"', 13, "half of a surrogate pair"],
  ["tool_name > a*", 13, "a value with * can only be used with = != :, not with >"],
  ["stage = QU*", 9, '"QU*" is no value of stage; expected one of'],
  ["done > true", 6, "done can only be used with = != :"],
  ["done = maybe", 8, "expected true or false"],
  ["exit_code = 1.5", 13, "expected a whole number"],
  ["error.code = NOT_FUOND", 14, "did you mean NOT_FOUND?"],
  ["duration > 5", 12, "expected a duration as 90s, 1.5h or 1h30m"],
  ["queued_time > yesterday", 15, "expected an ISO 8601 time"],
  ["queued_time > now-1", 15, "expected an ISO 8601 time"],
  ["queued_time > 2026-02-30", 15, "expected an ISO 8601 time"],
  ["platform = linux", 12, "expected a property as OSFamily:linux"],
  ["platform = :linux", 12, "expected a property"],
  ["platform = OS*:linux", 12, "expected a property"],
  ["platform:OS*", 10, "expected a property"],
  ["stage = QUEUED &", 17, "expected a key, found the end of the filter"],
  ["& stage = QUEUED", 1, 'expected a key, found "&"'],
  ["stage = QUEUED && name = a", 17, "expected a key"],
  ["name = a & \u{1f600}", 12, 'unexpected character "\u{1f600}"'],
] as const) {
  test(`says what is wrong, and where, with ${text}`, () => {
    const { rawMessage } = refusal("filter", () => parseFilter(text));
    const [problem, excerpt, caret] = rawMessage.split("\n");
    assert.ok(problem?.startsWith(`filter: at character ${position}: `), rawMessage);
    assert.ok(problem?.includes(says), rawMessage);
    assert.equal(excerpt, `  ${text}`);
    assert.equal(caret, `${" ".repeat(position + 1)}^`);
  });
}

test("shows only the neighbourhood of a mistake, in one line, with the caret under it", () => {
  const text = `${"name = a &\n".repeat(20)}stgae = QUEUED ${"& name = a ".repeat(20)}`;
  const lines = refusal("filter", () => parseFilter(text)).rawMessage.split("\n");
  const [problem, excerpt = "", caret = ""] = lines;
  assert.equal(lines.length, 3);
  assert.match(problem ?? "", /at character 221:/);
  assert.match(excerpt, /^ {2}\.\.\..*\.\.\.$/);
  assert.equal(excerpt.slice(caret.indexOf("^")).slice(0, 5), "stgae");
});

test("accepts 8192 characters and 100 terms, and no more", () => {
  assert.ok(parseFilter("name=a".padEnd(8192)).hasFilter);
  assert.match(refusal("filter", () => parseFilter("name=a".padEnd(8193))).rawMessage, /8192/);
  const terms = (count: number) => [...Array(count - 1).fill("name=a"), "sort_order=name"].join("&");
  assert.equal(parseFilter(terms(100)).order.length, 1);
  assert.match(refusal("filter", () => parseFilter(terms(101))).rawMessage, /more than 100 terms/);
});

test("nests 32 deep, and no deeper", () => {
  for (const [open, close] of [
    ["(", ")"],
    ["-", ""],
    ["NOT ", ""],
  ] as const) {
    const nested = (depth: number) => `${open.repeat(depth)}done${close.repeat(depth)}`;
    assert.ok(parseFilter(nested(32)).hasFilter);
    assert.match(refusal("filter", () => parseFilter(nested(33))).rawMessage, /nested deeper than 32/);
  }
  assert.ok(parseFilter("(done) ".repeat(100)).hasFilter);
});

test("a printed filter parses to the same filter, and prints the same again", () => {
  fc.assert(
    fc.property(writtenFilters(), sortTerms(10), (filter, order) => {
      const text = printFilter({ filter, order });
      const parsed = parseFilter(text);
      assert.deepEqual(parsed.filter, filter);
      assert.deepEqual(parsed.order, order);
      assert.equal(printFilter(parsed), text);
    }),
    { numRuns: 1000 },
  );
});

test("an arbitrary text is a filter or an INVALID_ARGUMENT, never anything else", () => {
  const piece = fc.oneof(
    fc.constantFrom(...Object.keys(filterKeys), "sort_order", "QUEUED", "AND", "OR", "NOT", "asc", "desc", "now-1h"),
    fc.constantFrom(
      "=",
      "!=",
      "<",
      "<=",
      ">",
      ">=",
      "&",
      "(",
      ")",
      '"',
      "'",
      "\\\\",
      "*",
      ":",
      "-",
      "!",
      " ",
      "\n",
      "\0",
      "/",
      "\ud800",
    ),
    fc.string({ unit: "binary", maxLength: 8 }),
  );
  const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(text, (text) => {
      let parsed: ReturnType<typeof parseFilter>;
      try {
        parsed = parseFilter(text);
      } catch {
        assert.ok(refusal("filter", () => parseFilter(text)).rawMessage.isWellFormed());
        return;
      }
      assert.deepEqual(parseFilter(printFilter(parsed)), parsed);
    }),
    { numRuns: 2000 },
  );
});
