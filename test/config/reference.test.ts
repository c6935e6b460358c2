import assert from "node:assert/strict";
import test from "node:test";
import { loadConfig, settings } from "../../src/config/config.ts";
import { readReference, referenceTable } from "./reference.ts";

test("documents every setting as the schema has it", () => {
  const { table } = readReference();
  assert.equal(table, referenceTable(), "run node test/config/reference.ts --write");
  for (const { key, env, flag } of settings) {
    for (const name of [`\`${key}\``, `\`${env}\``, `\`--${flag}\``]) assert.ok(table.includes(name), name);
  }
});

test("shows examples in the document that work", () => {
  const { text } = readReference();
  const examples = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml = ""]) => yaml);
  assert.ok(examples.length >= 2);
  for (const yaml of examples) loadConfig({ flags: { config: "example.yaml" }, readFile: () => yaml });
});

test("says something about each setting", () => {
  for (const { key, description } of settings) assert.match(description, /^[A-Z].{10,}[^.]\.$/, key);
});
