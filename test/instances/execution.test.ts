import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ActionSchema,
  CommandSchema,
  DirectorySchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { systemClock } from "../../src/base/clock.ts";
import { type Digest, digestOf } from "../../src/base/digests.ts";
import { silentLog } from "../../src/base/log.ts";
import { createActionCache, createFileCas } from "../../src/cas/cas.ts";
import { createInstance, type InstanceSettings } from "../../src/instances/instances.ts";
import type { OperationRecord } from "../../src/operations/operations.ts";
import type { Scheduler } from "../../src/scheduler/scheduler.ts";
import { openStore } from "../helpers/open-store.ts";
import { encode, temporaryDirectory, wireDigest } from "../services/grid.ts";

const settings: InstanceSettings = {
  services: new Set(),
  ...{ defaultFilter: "", maxPageSize: 10, maxBatchBytes: 10_000, maxBlobBytes: 10_000, actionCacheUpdates: true },
  ...{ defaultTimeoutMs: 1000, maxTimeoutMs: 1000, minPriority: 0, maxPriority: 0, keepAliveMs: 1000, longPollMs: 0 },
};

test("what an action needs is not evicted between the check of its inputs and its record in the store", async (t) => {
  const store = await openStore(t, "sqlite");
  const submitting = new Set<Digest>();
  await using cas = await createFileCas({
    directory: await temporaryDirectory(t),
    maxBytes: 10_000,
    maxBlobBytes: 10_000,
    clock: systemClock,
    log: silentLog,
    liveActions: async () => [...submitting],
  });
  const actionCache = createActionCache({
    store,
    cas,
    instance: "main",
    clock: systemClock,
    log: silentLog,
    maxEntries: 9,
  });
  const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<OperationRecord>()];
  const submit: Scheduler["submit"] = () => {
    reached.resolve();
    return gate.promise;
  };
  const { execution } = createInstance("main", {
    storage: { cas, actionCache, submitting },
    scheduler: { submit } as Scheduler,
    casOf: () => cas,
    clock: systemClock,
    settings,
  });
  const put = async (data: Uint8Array) => {
    await cas.write(digestOf(data), data);
    return wireDigest(data);
  };
  const input = Buffer.alloc(4000, "input");
  const files = [{ name: "input", digest: await put(input) }];
  const action = encode(ActionSchema, {
    commandDigest: await put(encode(CommandSchema, { arguments: ["true"] })),
    inputRootDigest: await put(encode(DirectorySchema, { files })),
  });
  await put(action);
  const call = execution.execute({
    action: digestOf(action),
    ...{ skipCacheLookup: false, priority: 0, requestMetadata: undefined, identity: undefined },
  });
  await reached.promise;
  for (const fill of ["a", "b", "c"]) await put(Buffer.alloc(4000, fill));
  assert.equal(await cas.has(digestOf(input)), true);
  const recorded = { id: "x" } as OperationRecord;
  gate.resolve(recorded);
  assert.equal(await call, recorded);
  for (const fill of ["d", "e", "f"]) await put(Buffer.alloc(4000, fill));
  assert.equal(await cas.has(digestOf(input)), false);
});
