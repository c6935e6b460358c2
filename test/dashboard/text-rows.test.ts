import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { withSgr } from "../../dashboard/src/cas/sgr.ts";
import { createRowReader, LONGEST_ROW, rowsOf, type TextRow } from "../../dashboard/src/cas/text-rows.ts";
import { visibleText } from "../../dashboard/src/format/visible.ts";

const texts = (rows: readonly TextRow[]) => rows.map(({ text }) => text);

function inPieces(pieces: readonly string[]): readonly TextRow[] {
  const reader = createRowReader();
  for (const piece of pieces) reader.push(piece);
  reader.end();
  return reader.rows;
}

test("lines are numbered, however they end", () => {
  const rows = rowsOf("a\nb\r\n\nprogress 1\rprogress 2");
  assert.deepEqual(
    rows.map(({ line, text }) => [line, text]),
    [
      [1, "a"],
      [2, "b"],
      [3, ""],
      [4, "progress 1"],
      [5, "progress 2"],
    ],
  );
});

test("colours become runs, which last until they are taken back, over lines too", () => {
  const rows = rowsOf("\x1b[1;31merror:\x1b[0m no\n\x1b[32mgreen\nstill\x1b[m plain");
  assert.deepEqual(texts(rows), ["error: no", "green", "still plain"]);
  assert.deepEqual(rows[0]?.runs, [
    { from: 0, style: { bold: true, foreground: 1 } },
    { from: 6, style: {} },
  ]);
  assert.deepEqual(rows[1]?.runs, [{ from: 0, style: { foreground: 2 } }]);
  assert.deepEqual(rows[2]?.runs, [
    { from: 0, style: { foreground: 2 } },
    { from: 5, style: {} },
  ]);
});

test("what moves the cursor, clears the screen, sets a title or links is left out", () => {
  assert.deepEqual(texts(rowsOf("a\x1b[2J\x1b[10;5Hb\x1b]0;title\x07c\x1b]8;;http://evil\x1b\\d\x1b(Be\x1b7f")), [
    "abcdef",
  ]);
});

test("concealed text is shown", () => {
  assert.deepEqual(rowsOf("\x1b[8msecret"), [{ text: "secret", line: 1, runs: undefined }]);
});

test("controls, directions and invisible characters are made visible", () => {
  assert.deepEqual(texts(rowsOf("a\0b\x08c\u202egnp.exe\u200bd\u2066e\tf")), [
    "a⟨U+0000⟩b⟨U+0008⟩c⟨U+202E⟩gnp.exe⟨U+200B⟩d⟨U+2066⟩e\tf",
  ]);
  assert.equal(visibleText("a\nb\u202e"), "a⟨U+000A⟩b⟨U+202E⟩");
});

test("a line of ten million characters is cut into rows, and the pieces are its parts", () => {
  const rows = rowsOf(`${"x".repeat(10_000_000)}\nend`);
  assert.equal(rows.length, 10_000_000 / LONGEST_ROW + 1);
  assert.deepEqual([rows[0]?.line, rows[1]?.line, rows.at(-1)?.line], [1, 0, 2]);
  assert.ok(rows.every(({ text }) => text.length <= LONGEST_ROW));
});

test("no character is cut in two", () => {
  const rows = rowsOf(`x${"😀".repeat(LONGEST_ROW)}`);
  assert.ok(rows.every(({ text }) => text.isWellFormed()));
  assert.equal(texts(rows).join(""), `x${"😀".repeat(LONGEST_ROW)}`);
});

test("a bomb of escapes takes time in proportion to its length", () => {
  const bombs = ["\x1b[31m\x1b[1m", "\x1b]", "\x1b[", "\x1b[38;2;1;2;3m", "\x1bP", "\x1b]0;".padEnd(5000, "x")];
  for (const bomb of bombs) {
    const started = performance.now();
    const rows = rowsOf(bomb.repeat(Math.ceil(2_000_000 / bomb.length)));
    assert.ok(performance.now() - started < 5000, JSON.stringify(bomb.slice(0, 10)));
    assert.ok(rows.every(({ text }) => text.length <= LONGEST_ROW));
  }
});

test("a text that never stops changing its colours ends up plain", () => {
  const rows = rowsOf("\x1b[31ma\x1b[32mb".repeat(200_000));
  assert.equal(rows.flatMap(({ runs }) => runs ?? []).length < 201_000, true);
  assert.ok(rows.every(({ runs }) => (runs?.length ?? 0) <= 65));
  assert.deepEqual([rows[0]?.line, rows[1]?.line, rows.at(-1)?.runs], [1, 0, undefined]);
});

test("an escape sequence that never ends is shown once it is too long to be one", () => {
  const rows = rowsOf(`\x1b[${"1;".repeat(5000)}`);
  assert.match(rows[0]?.text ?? "", /^⟨U\+001B⟩\[1;1;/);
});

test("text that comes in pieces reads as it does at once", () => {
  const part = fc.constantFrom(
    "a",
    "\n",
    "\r",
    "\r\n",
    "\x1b[1;32m",
    "\x1b[0m",
    "\x1b]0;t\x07",
    "\x1b",
    "[",
    "3",
    "m",
    "é",
    "\0",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 40 }), fc.integer({ min: 1, max: 5 }), (parts, size) => {
      const whole = parts.join("");
      const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, at) =>
        whole.slice(at * size, (at + 1) * size),
      );
      assert.deepEqual(inPieces(pieces), rowsOf(whole));
    }),
  );
});

test("SGR knows the palettes, true colours and what takes each back", () => {
  assert.deepEqual(withSgr({}, "38;5;9"), { foreground: 9 });
  assert.deepEqual(withSgr({}, "38;5;196"), { foreground: "rgb(255 0 0)" });
  assert.deepEqual(withSgr({}, "48;5;232"), { background: "rgb(8 8 8)" });
  assert.deepEqual(withSgr({}, "38;2;1;2;3;4"), { foreground: "rgb(1 2 3)", underline: true });
  assert.deepEqual(withSgr({}, "38;2;1;2;300"), {});
  assert.deepEqual(withSgr({}, "97;104"), { foreground: 15, background: 12 });
  assert.deepEqual(withSgr({ bold: true, foreground: 1 }, ""), {});
  assert.equal(withSgr({ bold: true, dim: true }, "22").bold, undefined);
  assert.deepEqual(withSgr({}, "999;NaN"), {});
});
