import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

const main = join(import.meta.dirname, "../../src/main.ts");

/** What a shell prints that runs a script beside the completion script `opgrid`, in an empty home directory. */
async function runShell(t: TestContext, shell: string, script: string): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "opgrid-shell-"));
  t.after(() => rm(home, { recursive: true, force: true }));
  const completion = spawnSync(process.execPath, [main, "completion", shell], { encoding: "utf8" });
  assert.equal(completion.status, 0, completion.stderr);
  await writeFile(join(home, "opgrid"), completion.stdout);
  await writeFile(join(home, "script"), script);
  const { status, stdout, stderr, error } = spawnSync(
    shell,
    [...(shell === "zsh" ? ["-f"] : []), join(home, "script")],
    {
      env: { ...process.env, HOME: home, TERM: "dumb", COMPLETION: join(home, "opgrid") },
      encoding: "utf8",
      timeout: 30_000,
    },
  );
  assert.ifError(error);
  assert.equal(status, 0, stderr);
  return stdout;
}

test("fish completes commands, also by their short names, and flags", async (t) => {
  const script = `
    source $COMPLETION
    complete -C "opgrid operation ca"
    complete -C "opgrid op wat"
    complete -C "opgrid operation list --fi"
  `;
  const words = (await runShell(t, "fish", script)).split("\n").map((line) => line.split("\t")[0]);
  assert.deepEqual(words, ["cancel", "watch", "--filter", "--filter-string", ""]);
});

test("zsh completes commands and flags", async (t) => {
  // A shell in a terminal of its own: only there zsh completes.
  const script = `
    zmodload zsh/zpty
    zpty inner 'zsh -f -i'
    zpty -w inner 'PS1=; autoload -U compinit; compinit -u -D; source $COMPLETION; print be''gun'
    zpty -r inner seen '*begun*'
    zpty -w -n inner $'opgrid operation ca\\t'
    zpty -r inner seen '*cancel*'
    zpty -w -n inner $'--dry\\t'
    zpty -r inner seen '*--dry-run*'
    print completed
    zpty -d inner
  `;
  assert.equal(await runShell(t, "zsh", script), "completed\n");
});
