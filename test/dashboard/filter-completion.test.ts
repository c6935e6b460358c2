import assert from "node:assert/strict";
import { test } from "node:test";
import { complete, completionsAt, type Language } from "../../dashboard/src/operations/filter-completion.ts";
import { filterProblemOf, problemEnd } from "../../dashboard/src/operations/filter-problem.ts";
import { filterKeys, parseFilter } from "../../src/operations/operations.ts";

const SEEN: Readonly<Record<string, readonly string[]>> = { worker: ["bot-1", "bot 2"], target_id: ["//a:b"] };

/** As GetOperationFilters tells it. */
const language: Language = {
  keys: Object.entries(filterKeys).map(([key, { description, type, operators, sortable }]) => ({
    ...{ key, description, operators, sortable, type: type.name, values: type.values },
  })),
  seen: (key) => SEEN[key] ?? [],
};

/** What can be written where `|` stands. */
function labelsAt(marked: string): string[] {
  const caret = marked.indexOf("|");
  return completionsAt(marked.replace("|", ""), caret, language).options.map(({ label }) => label);
}

/** The filter after the first option was taken, with `|` where the caret stands then. */
function afterFirst(marked: string): string {
  const caret = marked.indexOf("|");
  const text = marked.replace("|", "");
  const completions = completionsAt(text, caret, language);
  const [first] = completions.options;
  assert.ok(first, `nothing to write at ${marked}`);
  const done = complete(text, completions, first);
  return `${done.text.slice(0, done.caret)}|${done.text.slice(done.caret)}`;
}

test("keys are offered where a term begins", () => {
  const all = [...Object.keys(filterKeys), "NOT", "sort_order"];
  for (const place of ["|", "done AND |", "done OR |", "NOT |", "(|", "done & |"])
    assert.deepEqual(labelsAt(place), all, place);
  assert.equal(afterFirst("sta|"), "stage |");
  assert.equal(afterFirst("stage = QUEUED AND wor|"), "stage = QUEUED AND worker |");
  assert.equal(afterFirst("wor| = bot-1"), "worker | = bot-1".replace("| ", "|"));
});

test("operators are those of the key", () => {
  assert.deepEqual(labelsAt("stage |"), ["=", "!=", "<", "<=", ">", ">=", ":"]);
  assert.deepEqual(labelsAt("done |"), ["AND", "OR", "=", "!=", ":"]);
  assert.deepEqual(labelsAt("sort_order |"), ["="]);
  assert.deepEqual(labelsAt("platform.ISA |"), [...filterKeys.platform.operators]);
  assert.deepEqual(labelsAt("nonsense |"), []);
});

test("values are those of the type, those to begin with and those seen", () => {
  assert.equal(afterFirst("stage = ex|"), "stage = EXECUTING |");
  assert.deepEqual(labelsAt("cached=|"), ["true", "false"]);
  assert.deepEqual(labelsAt("worker = |"), ["bot-1", "bot 2"]);
  assert.equal(afterFirst("worker = 2|"), 'worker = "bot 2" |');
  assert.equal(afterFirst('worker = "bot 2|"'), 'worker = "bot 2" |');
  assert.ok(labelsAt("queued_time > |").includes("now-1h"));
  assert.ok(labelsAt("error.code = dead|").includes("DEADLINE_EXCEEDED"));
});

test("what can be sorted by is offered in both directions", () => {
  assert.deepEqual(labelsAt("sort_order = dur|").slice(0, 2), ["duration(desc)", "duration"]);
  assert.equal(afterFirst("sort_order = queued_time|"), "sort_order = queued_time(desc) |");
  assert.ok(!labelsAt("sort_order = |").includes("platform"));
});

test("what joins is offered behind a term", () => {
  assert.deepEqual(labelsAt("stage = QUEUED |").slice(0, 2), ["AND", "OR"]);
  assert.deepEqual(labelsAt("stage = QUEUED A|").slice(0, 1), ["AND"]);
  assert.deepEqual(labelsAt("(done) O|").slice(0, 1), ["OR"]);
});

test("whatever is offered and taken can be parsed where the term is whole", () => {
  for (const { key, operators } of language.keys) {
    for (const operator of operators) {
      for (const { insert } of completionsAt(`${key} ${operator} `, key.length + operator.length + 2, language)
        .options) {
        parseFilter(`${key} ${operator} ${insert}`);
      }
    }
  }
  for (const { insert } of completionsAt("sort_order = ", 13, language).options) parseFilter(`sort_order = ${insert}`);
});

test("no text and no place makes completion fail", () => {
  const text = "NOT (stage >= 'QUE\\'' & -done) OR sort_order = name( x \"";
  for (let end = 0; end <= text.length; end++) {
    for (let caret = 0; caret <= end; caret++) completionsAt(text.slice(0, end), caret, language);
  }
});

/** What the server says of a filter, as a reader is shown it. */
function problemOf(filter: string) {
  try {
    parseFilter(filter);
  } catch (error) {
    return filterProblemOf(error);
  }
  throw new Error(`${filter} was taken`);
}

test("a mistake is shown where the server found it", () => {
  for (const [filter, word] of [
    ["stgae = QUEUED", "stgae"],
    ["stage = QUEUED AND wroker = x", "wroker"],
    ["done = \u{1f600}{", "\u{1f600}"],
    ["name == x", "="],
    [`${"done & ".repeat(20)}stage QUEUED`, "QUEUED"],
  ] as const) {
    const problem = problemOf(filter);
    assert.ok(problem?.at !== undefined, filter);
    assert.equal(filter.slice(problem.at, problemEnd(filter, problem.at)), word, filter);
    assert.ok(!problem.message.includes("\n"));
  }
  assert.deepEqual(problemOf("x".repeat(9000)), { at: undefined, message: "must not be longer than 8192 characters" });
});

test("an error about something else is none of the filter", () => {
  assert.equal(filterProblemOf(new Error("no")), undefined);
});
