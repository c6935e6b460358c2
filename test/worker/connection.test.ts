import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { systemClock } from "../../src/base/clock.ts";
import { Code, StatusError } from "../../src/base/errors.ts";
import { backoffMs, retrying } from "../../src/worker/retry.ts";
import { baseUrlOf } from "../../src/worker/worker.ts";
import { shellJob, startBot } from "../helpers/bot-bench.ts";
import { fakeClock } from "../helpers/fake-clock.ts";
import { startFarm } from "../helpers/fake-farm.ts";

test("understands the usual ways to name a server", () => {
  assert.equal(baseUrlOf("http://farm:50051"), "http://farm:50051");
  assert.equal(baseUrlOf("grpc://farm:50051/"), "http://farm:50051");
  assert.equal(baseUrlOf("grpcs://farm"), "https://farm");
  assert.equal(baseUrlOf("https://[::1]:8443"), "https://[::1]:8443");
  assert.equal(baseUrlOf("127.0.0.1:50051"), "http://127.0.0.1:50051");
  assert.throws(() => baseUrlOf("ftp://farm"), /not a gRPC address/);
});

test("sends its headers with each call", async (t) => {
  const farm = await startFarm(t);
  await startBot(t, farm, { headers: { authorization: "Bearer secret" } });
  await farm.submit(shellJob("echo x")).ended;
  assert.deepEqual([...farm.authorizations], ["Bearer secret"]);
});

test("waits longer after each failure, and as long as the server asks", () => {
  const waits = [0, 1, 2, 3, 30].map((failures) => backoffMs(failures, undefined));
  for (const [index, limit] of [100, 200, 400, 800, 5_000].entries()) {
    assert.ok((waits[index] as number) <= limit && (waits[index] as number) >= limit / 2);
  }
  const value = create(RetryInfoSchema, { retryDelay: durationFromMs(3_000) });
  const asking = new StatusError("later", Code.Unavailable, undefined, [{ desc: RetryInfoSchema, value }]);
  assert.equal(backoffMs(0, asking), 3_000);
});

test("tries passing failures again until the time is over, and others not", async () => {
  const clock = fakeClock();
  const { signal } = new AbortController();
  let calls = 0;
  const failing = (code: Code) => () => {
    calls++;
    return Promise.reject(new StatusError("no", code));
  };
  const given = retrying({ clock, forMs: 1_000 }, signal, failing(Code.Unavailable));
  given.catch(() => {});
  for (let i = 0; i < 100; i++) await clock.advance(100);
  await assert.rejects(given, /no/);
  assert.ok(calls > 2 && calls < 12, String(calls));
  assert.equal(clock.pending(), 0);
  calls = 0;
  await assert.rejects(retrying({ clock, forMs: 1_000 }, signal, failing(Code.PermissionDenied)));
  assert.equal(calls, 1);
});

test("stops trying when it is called off", async () => {
  const stop = new AbortController();
  const given = retrying({ clock: systemClock, forMs: 60_000 }, stop.signal, () =>
    Promise.reject(new StatusError("no", Code.Unavailable)),
  );
  setImmediate(() => stop.abort(new Error("called off")));
  await assert.rejects(given, /called off/);
});
