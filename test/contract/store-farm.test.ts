import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { OperationRecord } from "../../src/operations/operations.ts";
import { CANCELLED, completeJob, openFarm, START, session } from "../helpers/farm.ts";
import { backends } from "../helpers/open-store.ts";

const linux = [{ name: "OSFamily", value: "linux" }];

for (const backend of backends) {
  describe(`the farm as a whole in ${backend}`, () => {
    test("a page of sessions has those of all parents that are asked for, each once, by name", async (t) => {
      const { store } = await openFarm(t, backend);
      for (const parent of ["main", "", "other", "*", "dev/a'b\"c"]) {
        for (const id of ["1", "2"]) await store.putSession(session({ name: `${parent}/${id}`, botId: id, parent }));
      }
      const page = async (parents: string[], after = "", limit = 10) =>
        (await store.sessionPage({ parents, after, limit })).map(({ name }) => name);
      assert.deepEqual(await page(["main", "", "*"]), ["*/1", "*/2", "/1", "/2", "main/1", "main/2"]);
      assert.deepEqual(await page(["main", "", "*"], "*/2", 3), ["/1", "/2", "main/1"]);
      assert.deepEqual(await page(["dev/a'b\"c"]), ["dev/a'b\"c/1", "dev/a'b\"c/2"]);
      assert.deepEqual(await page([]), []);
    });

    test("queues and bots are those of the instances that are asked for", async (t) => {
      const { store, submit, lease } = await openFarm(t, backend);
      await submit({ instance: "main" });
      await lease("main/bot");
      await submit({ instance: "", now: START + 1 });
      await submit({ instance: "other" });
      const work = { properties: linux, queued: 0, executing: 0, oldestQueuedAt: undefined };
      assert.deepEqual(await store.platformQueues(["", "main", "none"]), [
        { ...work, instance: "main", executing: 1 },
        { ...work, instance: "", queued: 1, oldestQueuedAt: START + 1 },
      ]);
      assert.deepEqual(await store.platformQueues([]), []);
      await store.putSession(session({ name: "other/bot", parent: "other" }));
      const kinds = await store.botKinds(["main", "none", "*"]);
      assert.deepEqual(
        kinds.map(({ parent, idle, busy }) => [parent, idle, busy]),
        [["main", 0, 1]],
      );
      assert.equal((await store.botKinds(["main", "other"])).length, 2);
    });

    test("the operations of a job are told with who asked, the oldest first, and those that live are counted", async (t) => {
      const { store, submit } = await openFarm(t, backend);
      const requestMetadata = {
        ...{ toolName: "bazel", toolVersion: "", actionId: "", invocationId: "i", correlatedInvocationsId: "" },
        ...{ actionMnemonic: "", targetId: "//a:b", configurationId: "" },
      };
      const identity = { actor: "a", subject: "b", workflow: "c" };
      const operations: OperationRecord[] = [
        await submit({ action: "shared", requestMetadata }),
        await submit({ action: "shared", identity }),
        await submit({ action: "shared" }),
      ];
      await submit({ action: "another" });
      const [first, second, third] = operations as [OperationRecord, OperationRecord, OperationRecord];
      const jobId = first.job.id;
      const told = ({ id, instance, stage }: OperationRecord) => ({ id, instance, stage });
      const nothing = { requestMetadata: undefined, identity: undefined };
      assert.deepEqual(await store.jobOperations(jobId, 10), {
        operations: [
          { ...told(first), ...nothing, requestMetadata },
          { ...told(second), ...nothing, identity },
          { ...told(third), ...nothing },
        ],
        live: 3,
      });
      await store.cancelOperation(second, CANCELLED, START + 1);
      const afterwards = await store.jobOperations(jobId, 2);
      assert.deepEqual(
        afterwards.operations.map(({ id, stage }) => [id, stage]),
        [
          [first.id, 2],
          [second.id, 4],
        ],
      );
      assert.equal(afterwards.live, 2);
      await completeJob(store, jobId);
      assert.equal((await store.jobOperations(jobId, 10)).live, 0);
      await store.deleteOperation(first);
      assert.equal((await store.jobOperations(jobId, 10)).operations.length, 2);
      assert.deepEqual(await store.jobOperations("none", 10), { operations: [], live: 0 });
    });
  });
}
