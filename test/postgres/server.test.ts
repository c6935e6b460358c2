import assert from "node:assert/strict";
import { test } from "node:test";
import { Operations } from "../../gen/google/longrunning/operations_pb.ts";
import { Health, HealthCheckResponse_ServingStatus } from "../../gen/grpc/health/v1/health_pb.ts";
import { CANCELLED, START, submission } from "../helpers/farm.ts";
import { openPostgres } from "../helpers/open-postgres.ts";
import { temporaryDir } from "../helpers/open-store.ts";
import { sharedPostgres, startPostgres } from "../helpers/postgres.ts";
import { freePort } from "../helpers/postgres-server.ts";
import { startServer } from "../helpers/start-server.ts";
import { until } from "../helpers/until.ts";

const { SERVING, NOT_SERVING } = HealthCheckResponse_ServingStatus;

test("a server on PostgreSQL shows what another process did, and what it did itself after a restart", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const other = await openPostgres(t, { url });
  const { operation } = await other.submit(submission());
  const name = `main/${operation.id}`;
  const first = await startServer(t, { store: url });
  const { operations } = await first.client(Operations).listOperations({ name: "main" });
  assert.deepEqual(
    operations.map((each) => each.name),
    [name],
  );
  await first.client(Operations).cancelOperation({ name });
  await first.app.close();
  assert.equal((await other.getOperation(operation))?.cancelled, true);
  const again = await other.cancelOperation(operation, CANCELLED, START);
  assert.equal(again.kind, "already-done");
  const second = await startServer(t, { store: url });
  assert.equal((await second.client(Operations).getOperation({ name })).done, true);
});

test("a server is not ready while its database is away, lives on, and is ready again without a restart", async (t) => {
  const database = await startPostgres();
  const { url, client } = await startServer(t, { store: await database.createDatabase() });
  const health = client(Health);
  const check = async () => (await health.check({})).status;
  const hangUp = new AbortController();
  const watch = health.watch({}, { signal: hangUp.signal })[Symbol.asyncIterator]();
  const told = async () => (await watch.next()).value?.status;
  const status = async (path: string) => {
    const response = await fetch(url + path);
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await status("/readyz"), 200);
  assert.deepEqual([await check(), await told()], [SERVING, SERVING]);
  await database.stop();
  await until(async () => (await status("/readyz")) === 503, "the probe to go red");
  assert.deepEqual([await check(), await told()], [NOT_SERVING, NOT_SERVING]);
  assert.equal(await status("/healthz"), 200);
  await database.start();
  await until(async () => (await status("/readyz")) === 200, "the probe to go green");
  assert.deepEqual([await check(), await told()], [SERVING, SERVING]);
  hangUp.abort();
});

test("a server on PostgreSQL has its data directory to itself, and refuses to start without its database", async (t) => {
  const url = await (await sharedPostgres()).createDatabase();
  const dataDir = await temporaryDir(t);
  await startServer(t, { store: url, "data-dir": dataDir });
  await assert.rejects(startServer(t, { store: url, "data-dir": dataDir }), /in use by another opgrid process/);
  const nowhere = `postgres://opgrid@127.0.0.1:${await freePort()}/opgrid`;
  await assert.rejects(startServer(t, { store: nowhere }), /ECONNREFUSED/);
});
