import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, createClient, type HandlerContext } from "@connectrpc/connect";
import { Operations } from "../../gen/google/longrunning/operations_pb.ts";
import { ResourceInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import {
  Health,
  type HealthCheckRequest,
  HealthCheckResponse_ServingStatus as Status,
} from "../../gen/grpc/health/v1/health_pb.ts";
import { createReadiness } from "../../src/base/readiness.ts";
import { healthService } from "../../src/services/health.ts";
import { fakeClock } from "../helpers/fake-clock.ts";
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

test("a watch of health tells each change once, looks once for all watches, and stops when the last one ends", async () => {
  const clock = fakeClock();
  const draining = new AbortController();
  let asked = 0;
  let isAway = false;
  const ready = async () => {
    asked += 1;
    if (isAway) throw new Error("gone");
  };
  const readiness = createReadiness({ ready, draining: draining.signal, clock });
  const { watch } = healthService({ services: ["a.Service"], readiness });
  const hangUp = new AbortController();
  const context = { signal: hangUp.signal } as HandlerContext;
  const told = ["", "a.Service", "no.such.Service"].map((service) => {
    const statuses: unknown[] = [];
    const ended = (async () => {
      for await (const { status } of watch({ service } as HealthCheckRequest, context)) statuses.push(status);
    })();
    return { statuses, ended };
  });
  await clock.advance(0);
  for (const away of [false, true, true, false]) {
    isAway = away;
    await clock.advance(1000);
  }
  assert.deepEqual(
    told.map(({ statuses }) => statuses),
    [[SERVING, NOT_SERVING, SERVING], [SERVING, NOT_SERVING, SERVING], [SERVICE_UNKNOWN]],
  );
  assert.equal(asked, 5);
  hangUp.abort();
  await Promise.all(told.map(({ ended }) => ended));
  await clock.advance(10_000);
  assert.deepEqual([asked, clock.pending()], [5, 0]);
});

test("says that it does not serve any more while it drains", async () => {
  const draining = new AbortController();
  const readiness = createReadiness({ ready: async () => {}, draining: draining.signal, clock: fakeClock() });
  const { check, list } = healthService({ services: ["a.Service"], readiness });
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
