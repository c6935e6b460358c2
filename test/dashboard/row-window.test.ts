import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { windowOf } from "../../dashboard/src/operations/row-window.ts";

const sights = fc
  .record({
    count: fc.nat(100_000),
    rowHeight: fc.constantFrom(28, 48),
    height: fc.integer({ min: 0, max: 2000 }),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    lifted: fc.integer({ min: -50, max: 50 }),
  })
  .map(({ at, lifted, ...sight }) => {
    const lift = Math.min(lifted, sight.count) * sight.rowHeight;
    const room = Math.max(0, sight.count * sight.rowHeight - lift - sight.height);
    return { ...sight, lift, top: Math.floor(at * room) };
  });

test("what is in sight is made, and little more", () => {
  fc.assert(
    fc.property(sights, (sight) => {
      const { first, end, before, after } = windowOf(sight);
      const { count, rowHeight, height, lift, top } = sight;
      assert.ok(0 <= first && first <= end && end <= count);
      assert.ok(end - first <= Math.ceil(height / rowHeight) + 26);
      const firstSeen = Math.max(0, Math.ceil(lift / rowHeight), Math.floor((top + lift) / rowHeight));
      const endSeen = Math.min(count, Math.ceil((top + lift + height) / rowHeight));
      assert.ok(first <= Math.min(firstSeen, count) && end >= endSeen);
      assert.equal(before + (end - first) * rowHeight + after, Math.max(0, count * rowHeight - lift));
      assert.equal(before, first * rowHeight - lift);
    }),
    { numRuns: 1000 },
  );
});
