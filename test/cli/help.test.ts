import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { settings } from "../../src/config/config.ts";
import { runCli } from "./run-cli.ts";

const commands = [
  [],
  ["serve"],
  ["bot"],
  ["operation"],
  ...["list", "get", "stats", "history", "wait", "watch", "cancel", "kill", "delete"].map((name) => [
    "operation",
    name,
  ]),
  ["workers"],
  ["workers", "list"],
  ["queue"],
  ["migrate"],
  ["figures"],
  ["completion"],
];

const document = readFileSync(new URL("../../docs/cli.md", import.meta.url), "utf8");

for (const command of commands) {
  const name = ["opgrid", ...command].join(" ");

  test(`${name} --help has an example of it and ends with exit code 0`, async () => {
    const { code, out, err } = await runCli([...command, "--help"]);
    assert.deepEqual({ code, err }, { code: 0, err: "" });
    const examples = out
      .slice(out.search(/^Examples?:$/m))
      .split("\n")
      .slice(1);
    assert.ok(`${examples[0]} `.startsWith(`  ${name} `), out);
  });

  test(`docs/cli.md names every flag of ${name}`, async () => {
    const { out } = await runCli([...command, "--help"]);
    const flags = [...out.matchAll(/^ {2}(--[^ ,]+(?:, --[^ ,]+)?)/gm)].flatMap(([, names = ""]) => names.split(", "));
    const configured = new Set(settings.map(({ flag }) => `--${flag}`));
    for (const flag of flags) assert.ok(document.includes(`\`${flag}`) || configured.has(flag), flag);
  });
}

test("opgrid serve --help tells every setting with its default and its variable", async () => {
  const { out } = await runCli(["serve", "--help"], { terminal: true, columns: 400 });
  for (const { flag, env, key, fallback } of settings) {
    const line = out.split("\n").find((text) => text.startsWith(`  --${flag} `)) ?? "";
    assert.ok(line.includes(`env ${env}`), flag);
    if (fallback !== undefined && key !== "instances") assert.ok(line.includes(`default ${fallback}`), flag);
  }
});

test("prints its version", async () => {
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  assert.equal((await runCli(["--version"])).out, `${manifest.version}\n`);
});
