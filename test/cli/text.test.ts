import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";
import fc from "fast-check";
import { shellQuote } from "../../src/base/shell-quote.ts";
import { durationText, printable, table } from "../../src/cli/text.ts";

test("shows durations as people read them", () => {
  const shown: [number, string][] = [
    [0, "0ms"],
    [-5, "0ms"],
    [120, "120ms"],
    [999.9, "1000ms"],
    [1000, "1.0s"],
    [4_250, "4.2s"],
    [59_999, "59.9s"],
    [60_000, "1m00s"],
    [185_000, "3m05s"],
    [7_620_000, "2h07m"],
    [86_400_000 * 3 + 3600_000 * 4, "3d04h"],
  ];
  for (const [ms, text] of shown) assert.equal(durationText(ms), text);
});

test("lets no control character reach a terminal", () => {
  assert.equal(printable("a\u001b[31mb\nc\u0085\u202e"), "a\\x1b[31mb\\x0ac\\x85\\u202e");
  assert.equal(printable("plain, büro ✓"), "plain, büro ✓");
});

test("quotes words so that a shell takes them back as they were", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0")),
      (word) => {
        const out = execFileSync("/bin/sh", ["-c", `printf %s ${shellQuote(word)}`], { encoding: "utf8" });
        assert.equal(out, word);
      },
    ),
    { numRuns: 25 },
  );
});

test("fits a table into the terminal by leaving out columns from the right, never the first", () => {
  const head = ["NAME", "STAGE", "WORKER"];
  const rows = [
    ["main/1", "QUEUED", ""],
    ["main/22", "EXECUTING", "bot-1"],
  ];
  assert.equal(table(head, rows, 80), "NAME     STAGE      WORKER\nmain/1   QUEUED\nmain/22  EXECUTING  bot-1\n");
  assert.equal(table(head, rows, 20), "NAME     STAGE\nmain/1   QUEUED\nmain/22  EXECUTING\n");
  assert.equal(table(head, rows, 3), "NAME\nmain/1\nmain/22\n");
});
