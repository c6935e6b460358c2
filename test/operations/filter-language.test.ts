import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  compareText,
  type Filter,
  filterAt,
  isRelative,
  matches,
  parseFilter,
  printFilter,
  Stage,
  type WrittenFilter,
} from "../../src/operations/operations.ts";
import { compare, filters } from "./filters.ts";
import { completedRecord, executingRecord, ranWith, recordOf } from "./records.ts";

const meaning = (text: string): WrittenFilter => parseFilter(text).filter;
const canonical = (text: string): string => printFilter(parseFilter(text));

describe("of BuildGrid's filters", () => {
  for (const [text, wanted] of [
    ["stage=queued", compare("stage", "=", Stage.QUEUED)],
    ["stage >= EXECUTING", compare("stage", ">=", Stage.EXECUTING)],
    ["name!=0b1f-22", compare("name", "!=", "0b1f-22")],
    ["command=gcc", { kind: "like", key: "command", op: "=", pieces: ["", "gcc", ""] }],
    ["command!=a_b", { kind: "like", key: "command", op: "!=", pieces: ["", "a_b", ""] }],
    ["command<=gcc", compare("command", "<=", "gcc")],
    ["platform=OSFamily:linux", property("OSFamily", "=", "linux")],
    ["platform!=OSFamily:linux", property("OSFamily", "!=", "linux")],
    ["platform>=v:1:2", property("v", ">=", "1:2")],
    ["platform = v:", property("v", "=", "")],
    ["action_digest=ab/142", compare("action_digest", "=", "ab/142")],
    ["tool_name=foo(bar)", compare("tool_name", "=", "foo(bar)")],
    ["tool_name=foo)", compare("tool_name", "=", "foo)")],
    ["tool_name=(", compare("tool_name", "=", "(")],
    ["tool_name=AND", compare("tool_name", "=", "AND")],
    ["tool_name=-x", compare("tool_name", "=", "-x")],
    ["target_id=NOT & done", { kind: "and", terms: [compare("target_id", "=", "NOT"), compare("done", "=", 1)] }],
    ["queued_time>=2026-01-02T03:04:05.678901+02:00", compare("queued_time", ">=", Date.UTC(2026, 0, 2, 1, 4, 5, 678))],
    ["start_time<2026-01-02", compare("start_time", "<", Date.UTC(2026, 0, 2))],
    [
      "client_actor = ci & client_actor != cd",
      { kind: "and", terms: [compare("client_actor", "=", "ci"), compare("client_actor", "!=", "cd")] },
    ],
  ] as [string, Filter][]) {
    test(`${text} means what it means there`, () => assert.deepEqual(meaning(text), wanted));
  }
});

function property(name: string, op: "=" | "!=" | ">=", value: string): Filter {
  return { kind: "property", name, test: { kind: "compare", op, value } };
}

describe("the filter", () => {
  for (const [text, printed] of [
    ["done AND cancelled OR cached", "done = true AND (cancelled = true OR cached = true)"],
    ["(done AND cancelled) OR cached", "(done = true AND cancelled = true) OR cached = true"],
    ["done OR cancelled & cached OR done", "(done = true OR cancelled = true) AND (cached = true OR done = true)"],
    ["done cancelled  OR  cached", "done = true AND (cancelled = true OR cached = true)"],
    ["NOT done OR -cancelled", "NOT done = true OR NOT cancelled = true"],
    ["-(done cancelled)", "NOT (done = true AND cancelled = true)"],
    ["NOT NOT done", "NOT NOT done = true"],
    ["((((done))))", "done = true"],
    ["(done (cancelled (cached)))", "done = true AND cancelled = true AND cached = true"],
    ["(tool_name=a(b))", 'tool_name = "a(b)"'],
    ["(tool_name=a) OR (tool_name=b)", "tool_name = a OR tool_name = b"],
    ["tool_name:ba", 'tool_name = "*ba*"'],
    ["tool_name:*", "tool_name:*"],
    ["tool_name=*", 'tool_name = "*"'],
    ["tool_name=b**l", 'tool_name = "b*l"'],
    ["tool_name = 'it\"s \\*'", 'tool_name = "it\\"s \\*"'],
    ['tool_name = "a\\u00e4\\n"', 'tool_name = "aä\\u000a"'],
    ['tool_name = "\\ud83d\\ude00"', 'tool_name = "\u{1f600}"'],
    ['target_id = //a:"b c"*', 'target_id = "//a:b c*"'],
    ["tool_name = größe", 'tool_name = "größe"'],
    ["command = a*b", 'command = "a*b"'],
    ["command:a", 'command = "a"'],
    ['command = ""', 'command = ""'],
    ["platform:OSFamily", 'platform = "OSFamily:*"'],
    ["platform:OSFamily:linux", "platform = OSFamily:linux"],
    ["platform.OSFamily = linux", "platform = OSFamily:linux"],
    ["platform.OSFamily:*", 'platform = "OSFamily:*"'],
    ["platform.container-image = docker*", 'platform = "container-image:docker*"'],
    ["platform:*", "platform:*"],
    ["error.code = not_found", "error.code = NOT_FOUND"],
    ["error.code = 4", "error.code = DEADLINE_EXCEEDED"],
    ["error.code = 77", "error.code = 77"],
    ["error.code:*", "error.code:*"],
    ["exit_code:-1", "exit_code = -1"],
    ["cached != TRUE", "cached != true"],
    ["duration > 1.5h", "duration > 90m"],
    ["duration > 1h30m0.5s", "duration > 5400500ms"],
    ["duration > 1.001s", "duration > 1001ms"],
    ["duration = 0", "duration = 0ms"],
    ["queued_time > now-1.5h", "queued_time > now-90m"],
    ["queued_time > now", "queued_time > now"],
    ["queued_time <= now+2d", "queued_time <= now+2d"],
    ["queued_time = 20260131T080000.5+0130", "queued_time = 2026-01-31T06:30:00.500Z"],
    ["queued_time = 2026-01-31T08:00z", "queued_time = 2026-01-31T08:00:00.000Z"],
    ["queued_time = '2026-01-31 08:00:00-00:30'", "queued_time = 2026-01-31T08:30:00.000Z"],
    ["queued_time = 0001-01-01", "queued_time = 0001-01-01T00:00:00.000Z"],
    ["metadata.@type = *ExecuteOperationMetadata", 'metadata.@type = "*ExecuteOperationMetadata"'],
    ["sort_order=duration(DESC) done", "done = true AND sort_order = duration(desc)"],
  ] as const) {
    test(`${text} is ${printed}`, () => {
      assert.equal(canonical(text), printed);
      assert.equal(canonical(printed), printed);
    });
  }
});

test("times relative to now are those of the moment that is asked for", () => {
  const filter = meaning("NOT (start_time < now-1h OR done)");
  assert.ok(isRelative(filter));
  assert.ok(!isRelative(meaning("start_time < 2026-01-01 AND done")));
  const started = executingRecord({}, { startedAt: 10_000_000 });
  assert.ok(matches(filterAt(filter, 13_600_000), started));
  assert.ok(!matches(filterAt(filter, 13_600_001), started));
});

test("what is missing passes no comparison, and NOT is the opposite", () => {
  const holds = (text: string) => matches(filterAt(meaning(text), 0), recordOf());
  for (const key of ["worker", "tool_name", "client_actor"]) {
    for (const test of ["= a", "!= a", "< a", ">= a", ":a", "= *", "!= *", ":*"]) {
      assert.ok(!holds(`${key} ${test}`), `${key} ${test}`);
      assert.ok(holds(`NOT ${key} ${test}`), `NOT ${key} ${test}`);
    }
  }
  for (const text of ["exit_code != 0", "duration >= 0", "error.code != 1", "start_time < now", "platform != a:b"]) {
    assert.ok(!holds(text), text);
    assert.ok(holds(`-(${text})`), text);
  }
});

test("an empty text is a value, but not one that is there", () => {
  const record = recordOf({ identity: { actor: "", subject: "", workflow: "" } });
  const holds = (text: string) => matches(filterAt(meaning(text), 0), record);
  assert.ok(holds('client_actor = ""'));
  assert.ok(holds("client_actor != a"));
  assert.ok(holds("client_actor = *"));
  assert.ok(!holds("client_actor:*"));
});

test("patterns fit from the beginning to the end, and their pieces do not overlap", () => {
  const record = completedRecord(ranWith(0), { worker: "a.b.a" });
  const holds = (pattern: string) => matches(filterAt(meaning(`worker = "${pattern}"`), 0), record);
  for (const pattern of ["a*", "*a", "*", "a*a", "*.*.*", "a.*.a", "*b*", "a.b.a*"]) assert.ok(holds(pattern), pattern);
  for (const pattern of ["b*", "*b", "a.b*b.a", "*.*.*.*", "a.b.a*a", "A*"]) assert.ok(!holds(pattern), pattern);
});

test("a filter or its negation holds, never both", () => {
  const records = [recordOf(), executingRecord(), completedRecord(ranWith(1))];
  fc.assert(
    fc.property(filters(), fc.constantFrom(...records), (filter, record) => {
      assert.notEqual(matches(filter, record), matches({ kind: "not", term: filter }, record));
    }),
  );
});

test("texts are in the order of their UTF-8 bytes", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "b", "ä", "\ud7ff", "\ue000", "\uffee", "\u{10000}", "\u{1f600}"),
  });
  fc.assert(
    fc.property(text, text, (a, b) => {
      assert.equal(Math.sign(compareText(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { numRuns: 2000 },
  );
});
