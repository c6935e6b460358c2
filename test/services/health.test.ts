import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, createClient } from "@connectrpc/connect";
import { Operations } from "../../gen/google/longrunning/operations_pb.ts";
import { ResourceInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/grpc/health/v1/health_pb.ts";
import { healthService } from "../../src/services/health.ts";
import { transports } from "../helpers/start-server.ts";
import { refusal, startGrid } from "./grid.ts";

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = Status;

test("health", async (t) => {
  const grid = await startGrid(t);

  for (const [protocol, transport] of Object.entries(transports)) {
    await t.test(`is told of the server and of each service by ${protocol}`, async () => {
      const health = createClient(Health, transport(grid.url));
      const { statuses } = await health.list({});
      const names = Object.keys(statuses);
      for (const name of ["", Operations.typeName, Health.typeName, "google.bytestream.ByteStream"]) {
        assert.ok(names.includes(name), name);
      }
      for (const service of names) {
        assert.equal((await health.check({ service })).status, SERVING);
        assert.equal(statuses[service]?.status, SERVING);
      }
    });

    await t.test(`is not told of an unknown service by ${protocol}`, async () => {
      const health = createClient(Health, transport(grid.url));
      const error = await refusal(health.check({ service: "no.such.Service" }), Code.NotFound);
      const [info] = error.findDetails(ResourceInfoSchema);
      assert.deepEqual([info?.resourceType, info?.resourceName], ["service", "no.such.Service"]);
    });
  }
});

test("a watch of health ends with NOT_SERVING when the server drains", async (t) => {
  const grid = await startGrid(t);
  const watches = Object.values(transports).flatMap((transport) => {
    const health = createClient(Health, transport(grid.url));
    return ["", Operations.typeName, "no.such.Service"].map((service) => ({
      service,
      messages: health.watch({ service })[Symbol.asyncIterator](),
    }));
  });
  for (const { service, messages } of watches) {
    assert.equal((await messages.next()).value?.status, service.startsWith("no") ? SERVICE_UNKNOWN : SERVING);
  }
  const rest = watches.map(({ messages }) => Array.fromAsync({ [Symbol.asyncIterator]: () => messages }));
  await grid.app.close();
  for (const [index, messages] of (await Promise.all(rest)).entries()) {
    const statuses = messages.map(({ status }) => status);
    assert.deepEqual(statuses, watches[index]?.service.startsWith("no") ? [] : [NOT_SERVING]);
  }
});

test("says that it does not serve any more while it drains", async () => {
  const draining = new AbortController();
  const { check, list } = healthService({ services: ["a.Service"], draining: draining.signal });
  draining.abort();
  const context = {} as never;
  for (const service of ["", "a.Service"]) {
    assert.deepEqual((await check({ service } as never, context)).status, NOT_SERVING);
  }
  const { statuses } = await list({} as never, context);
  assert.deepEqual(
    Object.values(statuses ?? {}).map(({ status }) => status),
    [NOT_SERVING, NOT_SERVING],
  );
});
