import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { parseDuration, parseListen, parseSize } from "../../src/config/units.ts";

test("reads sizes with binary and decimal units, in any case", () => {
  const sizes: [unknown, number][] = [
    [0, 0],
    [4096, 4096],
    ["512", 512],
    ["10B", 10],
    ["10kB", 10_000],
    ["10 GB", 10e9],
    ["64MiB", 64 * 2 ** 20],
    ["64mib", 64 * 2 ** 20],
    ["1.5GiB", 1.5 * 2 ** 30],
    [" 2TiB ", 2 * 2 ** 40],
  ];
  for (const [written, bytes] of sizes) assert.equal(parseSize(written), bytes, String(written));
});

test("refuses what is no size", () => {
  for (const bad of [
    "",
    "10G",
    "-1",
    "1.5",
    "MiB",
    "10 apples",
    "0.3KiB",
    "9000000TiB",
    "1e3",
    true,
    null,
    -1,
    1.5,
    1e300,
  ]) {
    assert.equal(parseSize(bad), undefined, String(bad));
  }
});

test("reads durations", () => {
  const durations: [unknown, number][] = [
    [0, 0],
    ["0", 0],
    ["0s", 0],
    ["500ms", 500],
    ["30s", 30_000],
    ["1.5s", 1500],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["1d", 86_400_000],
  ];
  for (const [written, ms] of durations) assert.equal(parseDuration(written), ms, String(written));
});

test("refuses a duration without a unit, so that seconds and milliseconds are never mixed up", () => {
  for (const bad of [30, "30", "1.5", "", "s", "5 minutes", "-5s", "0.5ms", "1h30m", "1y", true, undefined]) {
    assert.equal(parseDuration(bad), undefined, String(bad));
  }
});

test("never answers with a fraction, a negative number or a number that is not exact", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{1,12}(\.\d{1,6})?(KiB|GB|TiB|ms|s|d)$/)), (written) => {
      for (const value of [parseSize(written), parseDuration(written)]) {
        if (value !== undefined) assert.ok(Number.isSafeInteger(value) && value >= 0);
      }
    }),
  );
});

test("reads addresses to listen on", () => {
  assert.deepEqual(parseListen("127.0.0.1:50051"), {
    host: "127.0.0.1",
    port: 50051,
  });
  assert.deepEqual(parseListen("[::1]:0"), { host: "::1", port: 0 });
  assert.deepEqual(parseListen("[::]:65535"), { host: "::", port: 65535 });
  assert.deepEqual(parseListen("farm.example.com:80"), {
    host: "farm.example.com",
    port: 80,
  });
});

test("resolves the name localhost to one address", () => {
  assert.deepEqual(parseListen("LocalHost:1"), { host: "127.0.0.1", port: 1 });
});

test("refuses what is no address", () => {
  for (const bad of [
    "",
    ":50051",
    "*:50051",
    "50051",
    50051,
    "host",
    "host:",
    "host:65536",
    "::1:50051",
    "a b:1",
    "[::1]",
    "-a:1",
  ]) {
    assert.equal(parseListen(bad), undefined, String(bad));
  }
});
