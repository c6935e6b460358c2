import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { OperationRecord } from "../../src/operations/operations.ts";
import type { Store } from "../../src/store/store.ts";
import { CANCELLED, completeJob, openFarm, START } from "../helpers/farm.ts";
import { backends } from "../helpers/open-store.ts";

/** The operation as a list has it, which is read anew each time. */
async function listed(store: Store, { instance, id }: OperationRecord): Promise<OperationRecord | undefined> {
  const filter = { kind: "compare", key: "name", op: "=", value: id } as const;
  const order = [{ key: "name", descending: false }] as const;
  return (await store.listOperations({ instance, filter, order, after: undefined, limit: 2 }))[0];
}

for (const backend of backends) {
  describe(`reading an operation again in ${backend}`, () => {
    test("shows each change of it and of its job", async (t) => {
      const { store, submit, lease, again } = await openFarm(t, backend);
      const operation = await submit({ action: "shared", priority: 5 });
      const { id: jobId } = operation.job;
      const held = "main/bot-session";
      const changes: Record<string, () => Promise<unknown>> = {
        nothing: async () => {},
        "the first poll": () => store.markPolled(operation),
        "a second operation on the job, more urgent": () => submit({ action: "shared", priority: 1 }),
        "a lease": () => lease(held),
        progress: () => store.reportProgress(jobId, held, new Uint8Array([1]), START + 11),
        "more progress": () => store.reportProgress(jobId, held, new Uint8Array([2]), undefined),
        "back to the queue": () => store.requeue(jobId, held, START + 12),
        "a second lease": () => lease(held),
        "back to the queue again": () => store.requeue(jobId, held, START + 13),
        "the end": () => completeJob(store, jobId),
      };
      for (const [title, change] of Object.entries(changes)) {
        const before = await again(operation);
        await change();
        const now = await again(operation);
        assert.deepEqual(now, await listed(store, operation), title);
        if (title !== "nothing") assert.notDeepEqual(now, before, title);
        assert.deepEqual(await again(operation), now, title);
      }
      await store.deleteOperation(operation);
      assert.equal(await again(operation), undefined);
    });

    test("shows the job of a cancelled operation as it goes on", async (t) => {
      const { store, submit, lease, again } = await openFarm(t, backend);
      const operation = await submit({ action: "shared" });
      await submit({ action: "shared" });
      await store.cancelOperation(operation, CANCELLED, START + 1);
      for (const change of [() => lease(), () => completeJob(store, operation.job.id)]) {
        const before = await again(operation);
        await change();
        const now = await again(operation);
        assert.notDeepEqual(now?.job, before?.job);
        assert.deepEqual(now, await listed(store, operation));
      }
    });
  });
}
