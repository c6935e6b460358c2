import assert from "node:assert/strict";
import { test } from "node:test";
import { openScreen } from "../../src/cli/screen.ts";
import type { Shell } from "../../src/cli/shell.ts";
import { fakeClock } from "../helpers/fake-clock.ts";

function fakeTerminal() {
  const frames: string[] = [];
  const clock = fakeClock(0);
  const size = { columns: 10, rows: 3 };
  const shell: Shell = {
    ...{ clock, terminal: true, env: {}, self: "opgrid", signal: new AbortController().signal },
    out: (text) => void frames.push(text),
    err: () => assert.fail("nothing is said beside the picture"),
    get columns() {
      return size.columns;
    },
    get rows() {
      return size.rows;
    },
    takeTerminal: () => ({ [Symbol.dispose]: () => {} }),
  };
  return { shell, frames, clock, size };
}

test("a picture is one string a frame, cut to the terminal, and drawn over the one before", () => {
  const { shell, frames } = fakeTerminal();
  using _ = openScreen(shell, { draw: () => ["short", "longer than the terminal", "c", "d"] });
  assert.deepEqual(frames, ["\u001b[Hshort\u001b[K\r\nlonger tha\u001b[K\r\nc\u001b[K\u001b[J"]);
});

test("many changes are at most five frames a second, and none is one a second", async () => {
  const { shell, frames, clock } = fakeTerminal();
  {
    using screen = openScreen(shell, { draw: () => [] });
    for (let ms = 0; ms < 1000; ms += 10) {
      screen.changed();
      await clock.advance(10);
    }
    assert.equal(frames.length, 1 + 5);
    await clock.advance(5000);
    assert.equal(frames.length, 1 + 5 + 5);
  }
  await clock.advance(5000);
  assert.equal(frames.length, 1 + 5 + 5);
});

test("a terminal of another size gets a new frame soon", async () => {
  const { shell, frames, clock, size } = fakeTerminal();
  using _ = openScreen(shell, { draw: (columns, height) => [`${columns}x${height}`] });
  size.columns = 5;
  size.rows = 1;
  await clock.advance(200);
  assert.deepEqual(frames.slice(1), ["\u001b[H5x1\u001b[K\u001b[J"]);
});
