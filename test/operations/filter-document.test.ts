import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import {
  DEEPEST_FILTER,
  DEFAULT_FILTER,
  failedOutcome,
  filterAt,
  filterKeys,
  LONGEST_FILTER,
  MOST_FILTER_TERMS,
  matches,
  type OperationRecord,
  outcomeOf,
  parseFilter,
  Stage,
} from "../../src/operations/operations.ts";
import { completedRecord, executingRecord, QUEUED_AT, ranWith, recordOf, responseWith } from "./records.ts";
import { refusal } from "./refusals.ts";

const document = await readFile(new URL("../../docs/filter.md", import.meta.url), "utf8");

function section(title: string): string {
  return document.split(/^## /m).find((part) => part.startsWith(title)) ?? assert.fail(`no section ${title}`);
}

test("the document has a line for each key that the parser knows, and it is true", () => {
  const lines = section("Keys").split("\n");
  for (const [key, { operators, type, description }] of Object.entries(filterKeys)) {
    const written = operators.map((operator) => `\`${operator}\``).join(" ");
    const wanted = `| \`${key}\` | ${written} | ${type.name} | ${description} |`;
    assert.ok(lines.includes(wanted), wanted);
  }
  assert.equal(lines.filter((line) => line.startsWith("| `")).length, Object.keys(filterKeys).length);
});

test("the document names the keys that cannot be sorted by", () => {
  const unsortable = Object.entries(filterKeys).filter(([, { sortable }]) => !sortable);
  const names = unsortable.map(([key]) => `\`${key}\``).sort();
  assert.deepEqual(names, ["`metadata.@type`", "`platform`"]);
  for (const name of names) assert.ok(section("Order").includes(name));
});

test("the document's first examples parse, and its mistake is reported as it says", () => {
  const blocks = [...document.matchAll(/^```\n(.*?)\n```$/gms)].map((match) => match[1] ?? "");
  for (const line of blocks[0]?.split("\n") ?? []) assert.ok(parseFilter(line), line);
  const mistake = blocks.at(-1) ?? "";
  const text = mistake.split("\n")[1]?.trim() ?? "";
  assert.equal(refusal("filter", () => parseFilter(text)).rawMessage, mistake);
});

test("the document names the default filter and the limits", () => {
  assert.ok(section("The default").includes(`\`${DEFAULT_FILTER}\``));
  for (const limit of [LONGEST_FILTER, MOST_FILTER_TERMS, DEEPEST_FILTER]) {
    assert.ok(section("Limits").includes(` ${limit} `), String(limit));
  }
});

const HOUR = 3_600_000;
const NOW = QUEUED_AT + 2 * HOUR;

function metadata(toolName: string, targetId: string) {
  return {
    ...{ toolName, targetId, toolVersion: "", actionId: "", invocationId: "" },
    ...{ correlatedInvocationsId: "", actionMnemonic: "", configurationId: "" },
  };
}

const linux = { name: "OSFamily", value: "linux" };
const identity = { actor: "ci bot", subject: "team", workflow: "nightly" };

const operations: Readonly<Record<string, OperationRecord>> = {
  waiting: recordOf({ requestMetadata: metadata("bazel", "//app/x:y") }, { platform: [linux] }),
  running: executingRecord(
    { requestMetadata: metadata("bazel", "//lib:z") },
    { platform: [{ name: "ISA", value: "arm64" }, linux], startedAt: QUEUED_AT + 10_000, attempts: 2 },
  ),
  passed: { ...completedRecord(ranWith(0), { command: "gcc -O2 a.c", attempts: 3 }), identity },
  failed: {
    ...completedRecord(ranWith(1), {
      platform: [{ name: "OSFamily", value: "mac" }],
      completedAt: QUEUED_AT + 2 * HOUR,
    }),
    requestMetadata: metadata("recc", "//app:t"),
    identity,
  },
  late: completedRecord(failedOutcome(4, "too long"), { worker: "bot-2" }),
  cached: completedRecord(outcomeOf(responseWith(0), { cached: true }), { startedAt: undefined, worker: undefined }),
  cancelled: recordOf(
    {
      ...{ stage: Stage.COMPLETED, cancelled: true, completedAt: QUEUED_AT + 1 },
      requestMetadata: metadata("", "//app/x:z"),
    },
    { command: "gcc -O2 b.c" },
  ),
};

const ended = ["passed", "failed", "late", "cached", "cancelled"];

const found: Readonly<Record<string, readonly string[]>> = {
  "stage = executing": ["running"],
  "stage>=QUEUED&stage<COMPLETED": ["waiting", "running"],
  "command=main.c": ["waiting", "running", "failed", "late", "cached"],
  "command != -O2 & done": ["failed", "late", "cached"],
  "platform=OSFamily:linux&platform=ISA:arm64": ["running"],
  "platform!=OSFamily:linux": ["failed"],
  "NOT platform = OSFamily:linux": ended,
  "platform:ISA": ["running"],
  "error.code:*": ["late", "cancelled"],
  "error.code = DEADLINE_EXCEEDED": ["late"],
  "error.code != CANCELLED": ["late"],
  "exit_code > 0": ["failed"],
  "exit_code != 0 OR error.code:*": ["failed", "late", "cancelled"],
  "cached = true": ["cached"],
  "duration > 1.5m": ["failed"],
  "queue_duration > 5s AND tool_name = bazel": ["running"],
  "start_time < now-1h AND NOT done": ["running"],
  'target_id = "//app/*" AND -cancelled': ["waiting"],
  "tool_name:* AND tool_name != bazel": ["failed"],
  "queued_time >= 2026-01-02T05:04:00+02:00 & worker = bot-1": ["running", "passed", "failed"],
  "stage = COMPLETED AND cancelled OR tool_name = recc": ["failed", "cancelled"],
  'client_actor = "ci bot" & sort_order = duration(desc)': ["passed", "failed"],
  "attempts > 1 & sort_order = attempts(desc) & sort_order = queued_time": ["running", "passed"],
};

describe("the document's example", () => {
  for (const [text, names] of Object.entries(found)) {
    test(`${text} finds ${names.join(", ")}`, () => {
      const { filter } = parseFilter(text);
      const passing = Object.entries(operations).filter(([, record]) => matches(filterAt(filter, NOW), record));
      assert.deepEqual(
        passing.map(([name]) => name),
        names,
      );
    });
  }

  test("is one of these", () => {
    const written = [...section("Examples").matchAll(/^\| `(.+?)` \|/gm)].map((match) => match[1]);
    assert.deepEqual(written, Object.keys(found));
    assert.ok(written.length >= 20);
  });
});
