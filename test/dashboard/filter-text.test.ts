import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  filterValue,
  negated,
  sameFilter,
  sortsOf,
  termText,
  withCondition,
  withoutSort,
  withSort,
  withTerm,
} from "../../dashboard/src/operations/filter-text.ts";
import { filterAt, filterKeys, matches, parseFilter, printFilter, sortKeys } from "../../src/operations/operations.ts";
import { recordOf } from "../operations/records.ts";

/** Texts that a server may tell: whatever is UTF-8, NUL left out. */
const texts = fc
  .oneof(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }),
    fc.string({ unit: fc.constantFrom(..."ab\"'\\*()&- \n\t=<>.:"), minLength: 1, maxLength: 12 }),
    fc.constantFrom("AND", "OR", "NOT", "sort_order", "sort_order = name", "//foo:bar", "-x", "(", ")", "a AND b"),
  )
  .filter((text) => !text.includes("\0") && text.isWellFormed());

const sortNames = Object.keys(sortKeys);
const directions = fc.constantFrom("", "(desc)", "( DESC )", " (asc)");
const sorts = fc.record({ key: fc.constantFrom(...sortNames), direction: directions });
const terms = fc.oneof(
  texts.map((text) => `tool_name = ${filterValue(text)}`),
  texts.map((text) => `NOT command : ${filterValue(text)}`),
  fc.constantFrom("done", "command = AND", "command=(x)", "(done OR cancelled)", "worker != 'a & b'", "-cached"),
);

/** Filters as people write them: terms and sorts in any order, joined in any way. */
const filters = fc
  .array(
    fc.oneof(
      { arbitrary: terms, weight: 2 },
      sorts.map(({ key, direction }) => `sort_order = ${key}${direction}`),
    ),
    {
      maxLength: 6,
    },
  )
  .chain((parts) =>
    fc
      .array(fc.constantFrom(" AND ", " & ", "  ", "&"), { minLength: parts.length, maxLength: parts.length })
      .map((joints) => parts.map((part, at) => (at === 0 ? part : `${joints[at]}${part}`)).join("")),
  )
  .filter((filter) => !/sort_order = [a-z_.]+\s+\(done/.test(filter));

const conditionsOf = (filter: string) => printFilter({ filter: parseFilter(filter).filter, order: [] });

test("the sorts of a filter are those that the server finds", () => {
  fc.assert(
    fc.property(filters, (filter) => {
      assert.deepEqual(sortsOf(filter), parseFilter(filter).order);
    }),
    { numRuns: 1000 },
  );
});

test("a filter without its order, or in another, has the same conditions", () => {
  fc.assert(
    fc.property(filters, fc.constantFrom(...sortNames), fc.boolean(), (filter, key, descending) => {
      assert.equal(conditionsOf(withoutSort(filter)), conditionsOf(filter));
      assert.deepEqual(parseFilter(withoutSort(filter)).order, []);
      const sorted = withSort(filter, { key, descending });
      assert.equal(conditionsOf(sorted), conditionsOf(filter));
      assert.deepEqual(parseFilter(sorted).order, [{ key, descending }]);
    }),
    { numRuns: 1000 },
  );
});

test("a condition that is added is one more, and the order stays", () => {
  fc.assert(
    fc.property(filters, texts, (filter, text) => {
      const more = withTerm(filter, "target_id", text);
      const parsed = parseFilter(more);
      assert.deepEqual(parsed.order, parseFilter(filter).order);
      const before = withoutSort(filter);
      assert.equal(
        printFilter({ filter: parsed.filter, order: [] }),
        conditionsOf(before === "" ? termText("target_id", text) : `(${before}) AND ${termText("target_id", text)}`),
      );
      assert.equal(withTerm(more, "target_id", text), more);
    }),
    { numRuns: 1000 },
  );
});

test("a value means itself, and its negation everything else", () => {
  fc.assert(
    fc.property(texts, texts, (text, other) => {
      const told = (toolName: string) =>
        recordOf({
          requestMetadata: {
            ...{ toolName, toolVersion: "", actionId: "", invocationId: "", correlatedInvocationsId: "" },
            ...{ actionMnemonic: "", targetId: "", configurationId: "" },
          },
        });
      const means = (condition: string, toolName: string) =>
        matches(filterAt(parseFilter(condition).filter, 0), told(toolName));
      const condition = termText("tool_name", text);
      assert.equal(means(condition, text), true);
      assert.equal(means(condition, other), text === other);
      assert.equal(means(negated(condition), text), false);
      assert.equal(means(negated(condition), other), text !== other);
      assert.equal(matches(filterAt(parseFilter(negated(condition)).filter, 0), recordOf()), true);
    }),
  );
});

test("the opposite of several conditions is that of all together", () => {
  const both = "exit_code = 0 AND NOT cached";
  assert.equal(negated(both), `NOT (${both})`);
  assert.equal(conditionsOf(withCondition("done", negated(both))), conditionsOf(`done AND NOT (${both})`));
});

test("filters are the same however they are spaced", () => {
  assert.equal(
    sameFilter("stage=QUEUED & sort_order=name( desc )", " stage = QUEUED AND sort_order = name(desc)"),
    true,
  );
  assert.equal(sameFilter("", " "), true);
  assert.equal(sameFilter("stage = QUEUED", "stage = EXECUTING"), false);
});

test("every key that the list narrows by is one of the filter language", () => {
  for (const key of ["target_id", "action_mnemonic", "tool_name", "worker", "invocation_id", "client_actor"]) {
    assert.ok(Object.hasOwn(filterKeys, key), key);
  }
});
