import assert from "node:assert/strict";
import { test } from "node:test";
import { Operations } from "../../gen/google/longrunning/operations_pb.ts";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { startServer } from "../helpers/start-server.ts";
import { until } from "../helpers/until.ts";
import { recordingLog } from "../server/port.ts";

test("the log has one line for each call, when it has ended, and no warning for a client's error", async (t) => {
  const log = recordingLog();
  const server = await startServer(t, {}, log);
  const operations = server.client(Operations);
  const calls = () =>
    log.lines
      .filter(({ message }) => message === "call")
      .map(({ level, fields: { method, code } }) => [level, `${method}`.split("/")[1], code]);

  await operations.listOperations({ name: "main" });
  await operations.getOperation({ name: "main/x" }).catch(() => {});
  await operations.getOperation({ name: "nowhere/x" }).catch(() => {});
  assert.deepEqual(calls(), [
    ["debug", "ListOperations", "OK"],
    ["debug", "GetOperation", "NotFound"],
    ["debug", "GetOperation", "InvalidArgument"],
  ]);

  const hangUp = new AbortController();
  const watch = server.client(Health).watch({}, { signal: hangUp.signal })[Symbol.asyncIterator]();
  await watch.next();
  assert.equal(calls().length, 3);
  hangUp.abort();
  await watch.next().catch(() => {});
  await until(() => calls().length === 4, "the stream to be logged");
  assert.equal(calls()[3]?.[1], "Watch");

  const wait = operations.listOperations({ name: "main", filter: "x".repeat(100_000) });
  await wait.catch(() => {});
  const last = log.lines.at(-1);
  assert.ok(`${last?.fields.error}`.length < 1100 && typeof last?.fields.ms === "number");
  assert.deepEqual(
    log.lines.filter(({ level }) => level === "warn" || level === "error"),
    [],
  );
});
