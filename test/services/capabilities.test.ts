import assert from "node:assert/strict";
import { test } from "node:test";
import { startGrid } from "./grid.ts";

test("capabilities tell what each instance does and its limits", async (t) => {
  const flags = {
    "cas-max-batch-bytes": "12345",
    "cas-max-blob-bytes": "1MiB",
    "execution-min-priority": "-3",
    "execution-max-priority": "7",
    instances: JSON.stringify([
      { name: "all", action_cache: { update_enabled: false } },
      { name: "caches", services: ["cas", "action_cache", "capabilities"] },
      { name: "bytes", services: ["cas", "bytestream", "capabilities"] },
      { name: "work", services: ["execution", "capabilities"] },
    ]),
  };
  const { capabilities } = await startGrid(t, flags);
  const of = (instanceName: string) => capabilities.getCapabilities({ instanceName });
  const all = await of("all");
  assert.deepEqual([all.lowApiVersion?.major, all.lowApiVersion?.minor, all.highApiVersion?.major], [2, 0, 2]);
  const { cacheCapabilities: caches, executionCapabilities: execution } = all;
  assert.deepEqual(caches?.digestFunctions, [1]);
  assert.deepEqual([caches.maxBatchTotalSizeBytes, caches.maxCasBlobSizeBytes], [12_345n, 2n ** 20n]);
  assert.deepEqual([caches.supportedCompressors, caches.supportedBatchUpdateCompressors], [[0], [0]]);
  assert.deepEqual([caches.splitBlobSupport, caches.spliceBlobSupport], [false, false]);
  assert.equal(caches.actionCacheUpdateCapabilities?.updateEnabled, false);
  assert.deepEqual([execution?.execEnabled, execution?.digestFunction], [true, 1]);
  assert.deepEqual(execution?.digestFunctions, [1]);
  const [range] = execution?.executionPriorityCapabilities?.priorities ?? [];
  assert.deepEqual([range?.minPriority, range?.maxPriority], [-3, 7]);

  const cachesOnly = await of("caches");
  assert.equal(cachesOnly.executionCapabilities, undefined);
  assert.equal(cachesOnly.cacheCapabilities?.actionCacheUpdateCapabilities?.updateEnabled, true);
  assert.equal((await of("bytes")).cacheCapabilities?.actionCacheUpdateCapabilities?.updateEnabled, false);
  const work = await of("work");
  assert.deepEqual([work.cacheCapabilities, work.executionCapabilities?.execEnabled], [undefined, true]);
});
