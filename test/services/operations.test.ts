import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import { type Client, Code, createClient, decodeBinaryHeader, encodeBinaryHeader } from "@connectrpc/connect";
import {
  ExecuteResponseSchema,
  RequestMetadataSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { ClientIdentitySchema } from "../../gen/build/buildgrid/identity_pb.ts";
import { type ListOperationsRequestSchema, Operations } from "../../gen/google/longrunning/operations_pb.ts";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  ResourceInfoSchema,
} from "../../gen/google/rpc/error_details_pb.ts";
import { Stage } from "../../src/operations/operations.ts";
import { transports } from "../helpers/start-server.ts";
import { openBot } from "./bot.ts";
import { type Grid, metadataOf, refusal, responseOf, startGrid, type Watched } from "./grid.ts";

const METADATA = "build.bazel.remote.execution.v2.requestmetadata-bin";
const IDENTITY = "buildgrid.v2.clientidentity-bin";
const callerMetadata = create(RequestMetadataSchema, {
  toolDetails: { toolName: "bazel", toolVersion: "4.2.3" },
  actionId: "action",
  toolInvocationId: "invocation",
  correlatedInvocationsId: "correlated",
  actionMnemonic: "CppCompile",
  targetId: "//a:b",
  configurationId: "k8",
});
const caller = {
  [METADATA]: encodeBinaryHeader(callerMetadata, RequestMetadataSchema),
  "x-request-actor": "actor",
  "x-request-subject": "subject",
  "x-request-workflow": "workflow",
};
const unserved = { platform: { properties: [{ name: "served", value: "never" }] } };
const missing = "01900000-0000-7000-8000-000000000000";

/** Operations of one instance in every state. */
interface Scene {
  readonly grid: Grid;
  readonly instance: string;
  readonly client: Client<typeof Operations>;
  readonly queued: Watched;
  readonly succeeded: Watched;
  readonly failed: Watched;
  readonly cancelled: Watched;
}

const violations = { violations: [{ type: "MISSING", subject: "blobs/x/1", description: "gone" }] };

async function setScene(grid: Grid, instance: string, client: Client<typeof Operations>): Promise<Scene> {
  const execute = async (wish = {}, headers = {}) =>
    grid.execute(
      { instanceName: instance, actionDigest: await grid.action({ instanceName: instance, ...wish }) },
      headers,
    );
  const bot = await openBot(grid.bots, { parent: instance });
  const succeeded = await execute();
  await bot.complete((await bot.lease()).id, { exitCode: 3 });
  const failed = await execute();
  const details = [anyPack(PreconditionFailureSchema, create(PreconditionFailureSchema, violations))];
  await bot.complete((await bot.lease()).id, {
    status: { code: Code.FailedPrecondition, message: "an input is gone", details },
  });
  await Promise.all([succeeded.ended, failed.ended]);
  const queued = await execute({ action: unserved }, caller);
  const cancelled = await execute({ action: unserved });
  await grid.operations.cancelOperation({ name: cancelled.name });
  await cancelled.ended;
  return { grid, instance, client, queued, succeeded, failed, cancelled };
}

async function assertMissing(call: Promise<unknown>, name: string): Promise<void> {
  const error = await refusal(call, Code.NotFound);
  const [info] = error.findDetails(ResourceInfoSchema);
  assert.deepEqual([info?.resourceType, info?.resourceName], ["operation", name]);
}

async function shows(t: TestContext, { client, instance, queued, succeeded, failed, cancelled }: Scene) {
  await t.test("gets what is queued, and says in trailers who asked for it", async () => {
    const trailers = new Headers();
    const operation = await client.getOperation(
      { name: queued.name },
      { onTrailer: (all) => all.forEach((value, key) => void trailers.set(key, value)) },
    );
    assert.deepEqual([operation.name, operation.done, operation.result.case], [queued.name, false, undefined]);
    assert.equal(metadataOf(operation).stage, Stage.QUEUED);
    assert.deepEqual(decodeBinaryHeader(trailers.get(METADATA) ?? "", RequestMetadataSchema), callerMetadata);
    const { actor, subject, workflow } = decodeBinaryHeader(trailers.get(IDENTITY) ?? "", ClientIdentitySchema);
    assert.deepEqual([actor, subject, workflow], ["actor", "subject", "workflow"]);
  });

  await t.test("has no trailers for an operation of an unknown caller", async () => {
    const seen: string[] = [];
    await client.getOperation(
      { name: succeeded.name },
      { onTrailer: (all) => all.forEach((_value, key) => void seen.push(key)) },
    );
    assert.deepEqual(
      seen.filter((key) => key === METADATA || key === IDENTITY),
      [],
    );
  });

  await t.test("shows a command that ran as a response, whatever its exit code", async () => {
    const operation = await client.getOperation({ name: succeeded.name });
    const response = responseOf(operation);
    assert.deepEqual([response.result?.exitCode, response.cachedResult], [3, false]);
    assert.equal(metadataOf(operation).stage, Stage.COMPLETED);
  });

  await t.test("shows a failed job as an error with the ExecuteResponse before its own details", async () => {
    const { result } = await client.getOperation({ name: failed.name });
    assert.ok(result.case === "error");
    const { code, message, details } = result.value;
    assert.deepEqual([code, message, details.length], [Code.FailedPrecondition, "an input is gone", 2]);
    const response = details[0] && anyUnpack(details[0], ExecuteResponseSchema);
    assert.equal(response?.status?.code, Code.FailedPrecondition);
    const precondition = details[1] && anyUnpack(details[1], PreconditionFailureSchema);
    assert.equal(precondition?.violations[0]?.subject, "blobs/x/1");
  });

  await t.test("shows a cancelled operation as an error with code 1", async () => {
    const { done, result } = await client.getOperation({ name: cancelled.name });
    assert.ok(done && result.case === "error");
    assert.equal(result.value.code, Code.Canceled);
    const [detail] = result.value.details;
    assert.equal((detail && anyUnpack(detail, ExecuteResponseSchema))?.status?.code, Code.Canceled);
  });

  await t.test("answers NOT_FOUND with a ResourceInfo for what is not there", async () => {
    const name = `${instance}/${missing}`;
    await assertMissing(client.getOperation({ name }), name);
    await assertMissing(client.waitOperation({ name }), name);
    await assertMissing(client.deleteOperation({ name }), name);
  });

  await t.test("refuses names without an id and with control characters", async () => {
    for (const name of ["", "/", `${instance}/`, `${instance}/a\nb`, `${instance}/a b`, `${instance}/\0`]) {
      for (const call of [client.getOperation, client.waitOperation, client.deleteOperation, client.cancelOperation]) {
        const error = await refusal(call({ name }), Code.InvalidArgument);
        assert.equal(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field, "name");
      }
    }
  });
}

async function lists(t: TestContext, { client, instance, queued, succeeded, failed, cancelled }: Scene) {
  const list = (request: MessageInitShape<typeof ListOperationsRequestSchema>) =>
    client.listOperations({ name: instance, ...request });
  const names = ({ operations }: { operations: { name: string }[] }) => operations.map(({ name }) => name);
  const ended = [succeeded, failed, cancelled].map(({ name }) => name);

  await t.test("lists what has not ended, unless asked for more", async () => {
    assert.deepEqual(names(await list({})), [queued.name]);
    assert.deepEqual(names(await list({ filter: "stage=COMPLETED" })), ended);
    assert.deepEqual(names(await list({ filter: "sort_order=name" })).sort(), [...ended, queued.name].sort());
    assert.deepEqual(names(await list({ filter: `name=${queued.id}` })), [queued.name]);
  });

  await t.test("lists page by page, in either order", async () => {
    for (const [direction, expected] of [
      ["asc", ended],
      ["desc", ended.toReversed()],
    ] as const) {
      const filter = `stage = completed AND sort_order = queued_time(${direction})`;
      const found: string[] = [];
      let pageToken = "";
      do {
        const page = await list({ filter, pageSize: 1, pageToken });
        found.push(...names(page));
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      assert.deepEqual(found, expected);
    }
    const all = await list({ filter: "stage=COMPLETED", pageSize: 2 ** 31 - 1 });
    assert.deepEqual([names(all), all.nextPageToken], [ended, ""]);
  });

  await t.test("names the field at fault of a list that it refuses", async () => {
    const { nextPageToken: pageToken } = await list({ filter: "stage=COMPLETED", pageSize: 1 });
    assert.notEqual(pageToken, "");
    for (const [request, field] of [
      [{ pageSize: -1 }, "page_size"],
      [{ pageToken: "x" }, "page_token"],
      [{ pageToken, filter: "stage!=COMPLETED" }, "page_token"],
      [{ pageToken, filter: "stage=COMPLETED & sort_order=name" }, "page_token"],
      [{ filter: "stage=" }, "filter"],
      [{ filter: "colour=red" }, "filter"],
      [{ filter: "stage=\u0000" }, "filter"],
      [{ filter: "name=a & ".repeat(1000) }, "filter"],
    ] as const) {
      const error = await refusal(list(request), Code.InvalidArgument);
      assert.equal(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field, field);
    }
  });
}

async function waits(t: TestContext, { client, grid, instance, queued, succeeded }: Scene) {
  const { name } = queued;

  await t.test("waits no longer than the timeout", async () => {
    assert.equal((await client.waitOperation({ name, timeout: { seconds: 0n, nanos: 50_000_000 } })).done, false);
    assert.equal((await client.waitOperation({ name, timeout: { seconds: 0n } })).name, name);
    const error = await refusal(client.waitOperation({ name, timeout: { seconds: -1n } }), Code.InvalidArgument);
    assert.equal(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field, "timeout");
  });

  await t.test("answers a wait before the client's deadline", async () => {
    const requests = [{ name, timeout: { seconds: 60n } }, { name }];
    for (const { done } of await Promise.all(requests.map((each) => client.waitOperation(each, { timeoutMs: 500 })))) {
      assert.equal(done, false);
    }
  });

  await t.test("answers a wait for what is done at once, and for the rest when it is done", async () => {
    assert.equal((await client.waitOperation({ name: succeeded.name })).done, true);
    const watched = await grid.execute({
      instanceName: instance,
      actionDigest: await grid.action({ instanceName: instance }),
    });
    const wait = client.waitOperation({ name: watched.name });
    const bot = await openBot(grid.bots, { parent: instance });
    await bot.complete((await bot.lease()).id, { exitCode: 5 });
    const operation = await wait;
    assert.equal(operation.name, watched.name);
    assert.equal(responseOf(operation).result?.exitCode, 5);
  });
}

async function ends(t: TestContext, { client, instance, queued, succeeded }: Scene) {
  await t.test("refuses to cancel what is not there with INVALID_ARGUMENT and a reason", async () => {
    const name = `${instance}/${missing}`;
    const error = await refusal(client.cancelOperation({ name }), Code.InvalidArgument);
    const [info] = error.findDetails(ErrorInfoSchema);
    assert.deepEqual([info?.reason, info?.metadata], ["OPERATION_NOT_FOUND", { operation: name }]);
  });

  await t.test("cancels, and again without an effect, and does not change what had ended", async () => {
    const before = await client.getOperation({ name: succeeded.name });
    await client.cancelOperation({ name: succeeded.name });
    assert.deepEqual(await client.getOperation({ name: succeeded.name }), before);
    await client.cancelOperation({ name: queued.name });
    const cancelled = await client.getOperation({ name: queued.name });
    assert.ok(cancelled.result.case === "error" && cancelled.result.value.code === Code.Canceled);
    await client.cancelOperation({ name: queued.name });
    assert.deepEqual(await client.getOperation({ name: queued.name }), cancelled);
    assert.equal(responseOf(await queued.ended).status?.code, Code.Canceled);
  });

  await t.test("forgets what is deleted", async () => {
    const { name } = queued;
    await client.deleteOperation({ name });
    await assertMissing(client.getOperation({ name }), name);
    await assertMissing(client.deleteOperation({ name }), name);
    await refusal(client.cancelOperation({ name }), Code.InvalidArgument);
  });
}

test("operations", async (t) => {
  const named = Object.entries(transports).map(([protocol, transport], index) => ({
    ...{ protocol, transport },
    instance: `protocol/${index}`,
  }));
  const grid = await startGrid(t, { instances: named.map(({ instance }) => instance).join() });
  for (const { protocol, transport, instance } of named) {
    await t.test(`by ${protocol}`, async (t) => {
      const scene = await setScene(grid, instance, createClient(Operations, transport(grid.url)));
      await shows(t, scene);
      await lists(t, scene);
      await waits(t, scene);
      await ends(t, scene);
    });
  }
});

test("operations of one job", async (t) => {
  const grid = await startGrid(t);
  const { operations } = grid;
  const bot = await openBot(grid.bots);

  await t.test("cancelling ends one operation, and the job with the last", async () => {
    const actionDigest = await grid.action();
    const [first, second] = [
      await grid.execute({ instanceName: "main", actionDigest }),
      await grid.execute({ instanceName: "main", actionDigest }),
    ];
    const lease = await bot.lease();
    await operations.cancelOperation({ name: first.name });
    assert.equal(responseOf(await first.ended).status?.code, Code.Canceled);
    const held = await bot.update([{ id: lease.id, state: lease.state }]);
    assert.deepEqual(
      held.leases.map(({ id }) => id),
      [lease.id],
    );
    assert.equal((await operations.getOperation({ name: second.name })).done, false);
    await operations.cancelOperation({ name: second.name });
    assert.deepEqual((await bot.update([{ id: lease.id, state: lease.state }])).leases, []);
    assert.equal(responseOf(await second.ended).status?.code, Code.Canceled);
  });

  await t.test("a cancelled one stays so when the job succeeds for another", async () => {
    const actionDigest = await grid.action();
    const first = await grid.execute({ instanceName: "main", actionDigest });
    const second = await grid.execute({ instanceName: "main", actionDigest });
    await operations.cancelOperation({ name: first.name });
    const cancelled = await operations.getOperation({ name: first.name });
    await bot.complete((await bot.lease()).id);
    assert.equal(responseOf(await second.ended).result?.exitCode, 0);
    assert.deepEqual(await operations.getOperation({ name: first.name }), cancelled);
  });

  await t.test("deleting forgets one operation and cancels nothing", async () => {
    const actionDigest = await grid.action();
    const watched = await grid.execute({ instanceName: "main", actionDigest });
    const lease = await bot.lease();
    await operations.deleteOperation({ name: watched.name });
    assert.equal((await watched.ended).done, false);
    await refusal(grid.execution.waitExecution({ name: watched.name }), Code.NotFound);
    const held = await bot.update([{ id: lease.id, state: lease.state }]);
    assert.equal(held.leases.length, 1);
    await bot.complete(lease.id);
    const again = await grid.execute({ instanceName: "main", actionDigest });
    assert.equal(responseOf(await again.ended).cachedResult, true);
  });
});

test("does not say who asked when headers are no source of identity, nor what fits into no trailer", async (t) => {
  const grid = await startGrid(t, { "identity-source": "none" });
  const long = (field: string) => field.repeat(1000);
  const large = create(RequestMetadataSchema, {
    ...{ actionId: long("a"), toolInvocationId: long("b"), correlatedInvocationsId: long("c"), targetId: long("d") },
    ...{ actionMnemonic: long("e"), configurationId: long("f") },
  });
  const headers = { ...caller, [METADATA]: encodeBinaryHeader(large, RequestMetadataSchema) };
  const actionDigest = await grid.action();
  const { name } = await grid.execute({ instanceName: "main", actionDigest }, headers);
  const seen: string[] = [];
  const onTrailer = (trailers: Headers) => trailers.forEach((_value, key) => void seen.push(key));
  assert.equal((await grid.operations.getOperation({ name }, { onTrailer })).name, name);
  assert.deepEqual(
    seen.filter((key) => key === METADATA || key === IDENTITY),
    [],
  );
});

test("answers who waits as soon as the server drains", async (t) => {
  const grid = await startGrid(t);
  const { name, ended } = await grid.execute({ instanceName: "main", actionDigest: await grid.action() });
  ended.catch(() => {});
  const wait = grid.operations.waitOperation({ name });
  // Calls of one connection begin in order: when this one is answered, the wait is in progress.
  await grid.operations.getOperation({ name });
  await grid.app.close();
  assert.equal((await wait).done, false);
});
