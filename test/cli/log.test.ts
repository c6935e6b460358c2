import assert from "node:assert/strict";
import test from "node:test";
import { logLineText } from "../../src/cli/log.ts";

const line = (fields: object) =>
  logLineText(JSON.stringify({ time: "2026-01-01T12:34:56.789Z", level: "info", ...fields }));

test("writes a line of the log as text", () => {
  assert.equal(line({ msg: "bot left", botId: "vm-0", ms: 5 }), "12:34:56.789 INFO  bot left botId=vm-0 ms=5\n");
  assert.equal(
    line({ msg: "call failed", error: 'say "no"', list: ["a b"] }),
    '12:34:56.789 INFO  call failed error="say \\"no\\"" list=["a b"]\n',
  );
});

test("writes the stack of an error below its line", () => {
  const text = line({ level: "error", msg: "oh", err: { message: "x", stack: "Error: x\n    at y" } });
  assert.equal(text, "12:34:56.789 ERROR oh\n  Error: x\n      at y\n");
});

test("lets no control character of a client reach the terminal", () => {
  const text = line({ msg: "a\u001b[2J\nb", name: "\u0007", err: { message: "\u001b]0;x" } });
  assert.equal(/[^\n -~]/.test(text), false);
  assert.equal(text.split("\n").length, 3);
});
