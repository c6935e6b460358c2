import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { runCli } from "./run-cli.ts";

async function scriptFor(shell: string): Promise<string> {
  const { code, out } = await runCli(["completion", shell]);
  assert.equal(code, 0);
  return out;
}

test("bash completes commands, also by their short names, and flags", async () => {
  const script = await scriptFor("bash");
  const offered = (...words: string[]) => {
    const quoted = ["opgrid", ...words].map((word) => `'${word}'`).join(" ");
    const ask = `${script}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _opgrid; echo "\${COMPREPLY[*]}"`;
    const { stdout, stderr } = spawnSync("bash", ["-c", ask], { encoding: "utf8" });
    assert.equal(stderr, "");
    return stdout.trim();
  };
  assert.equal(offered("ser"), "serve");
  assert.equal(offered("operation", "hi"), "history");
  assert.equal(offered("op", "list", "--filter-"), "--filter-string");
  assert.equal(offered("workers", "--remote", "x", "l"), "list");
  assert.equal(offered("operation", "kill", "main/x", "--rea"), "--reason");
  assert.equal(offered("serve", "--cas-max-by"), "--cas-max-bytes");
});

test("the scripts of zsh and fish name every command and its flags", async () => {
  const zsh = await scriptFor("zsh");
  assert.match(zsh, /^#compdef opgrid\n.*bashcompinit/);
  assert.match(zsh, /"operation cancel"\) words="[^"]*--dry-run/);
  const fish = await scriptFor("fish");
  assert.match(fish, /^complete -c opgrid -n 'not __fish_seen_subcommand_from [^']*' -f -a 'serve' -d/m);
  const cancel = "-n '__fish_seen_subcommand_from operation op; and __fish_seen_subcommand_from cancel' -l dry-run";
  assert.ok(fish.includes(`complete -c opgrid ${cancel}`), fish);
});

test("another shell is a usage error", async () => {
  const { code, err } = await runCli(["completion", "csh"]);
  assert.equal(code, 2);
  assert.match(err, /bash, zsh, fish/);
});
