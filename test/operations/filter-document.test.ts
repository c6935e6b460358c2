import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { DEFAULT_FILTER, filterKeys, parseFilter, sortKeys } from "../../src/operations/operations.ts";
import { refusal } from "./refusals.ts";

const document = await readFile(new URL("../../docs/filter.md", import.meta.url), "utf8");

function section(title: string): string {
  return document.split(/^## /m).find((part) => part.startsWith(title)) ?? assert.fail(`no section ${title}`);
}

function firstColumn(title: string): (string | undefined)[] {
  return [...section(title).matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
}

test("the document lists exactly the keys that the parser knows", () => {
  assert.deepEqual(firstColumn("Terms"), [...Object.keys(filterKeys), "sort_order"]);
  assert.deepEqual(firstColumn("Order"), Object.keys(sortKeys));
});

test("the document lists the operators of each key", () => {
  for (const [key, spec] of Object.entries(filterKeys)) {
    const operators = spec.operators.map((operator) => `\`${operator}\``).join(" ");
    assert.ok(section("Terms").includes(`| \`${key}\` | ${operators} |`), key);
  }
});

test("the document's examples parse, and its mistake is reported as it says", () => {
  const [examples = "", mistake = ""] = [...document.matchAll(/^```\n(.*?)\n```$/gms)].map((match) => match[1]);
  for (const line of examples.split("\n")) assert.ok(parseFilter(line), line);
  const text = mistake.split("\n")[1]?.trim() ?? "";
  assert.equal(refusal("filter", () => parseFilter(text)).rawMessage, mistake);
});

test("the document names the default filter", () => {
  assert.ok(section("The default").includes(`\`${DEFAULT_FILTER}\``));
});
