import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type ExecuteResponse,
  ExecuteResponseSchema,
} from "../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { systemClock } from "../src/base/clock.ts";
import { digestOf } from "../src/base/digests.ts";
import { newId } from "../src/base/ids.ts";
import { silentLog } from "../src/base/log.ts";
import { fromDigest } from "../src/base/wire-digests.ts";
import { outcomeOf } from "../src/operations/operations.ts";
import { createSqliteStore, type Store } from "../src/store/store.ts";

/** Names of the operations that are in the store before opgrid starts. */
export interface Seeded {
  readonly queued: readonly string[];
  readonly completed: readonly string[];
}

const QUEUED = 10_000;
const COMPLETED = 1_000;
const AT_ONCE = 500;

/** Puts operations into the store of a data directory, each of a job of its own that no bot of the bench can run. */
export async function seed(dataDir: string, instance: string): Promise<Seeded> {
  await using store = await createSqliteStore({ dataDir, clock: systemClock, log: silentLog });
  const ids: string[] = [];
  for (let from = 0; from < QUEUED + COMPLETED; from += AT_ONCE) {
    const batch = Array.from({ length: AT_ONCE }, (_, index) => addOperation(store, instance, from + index));
    ids.push(...(await Promise.all(batch)));
  }
  const names = ids.map((id) => `${instance}/${id}`);
  return { queued: names.slice(COMPLETED), completed: names.slice(0, COMPLETED) };
}

async function addOperation(store: Store, instance: string, index: number): Promise<string> {
  const now = Date.now();
  const { operation } = await store.submit({
    operation: { id: newId(now), instance, requestMetadata: metadataOf(index), identity: undefined },
    job: {
      id: newId(now),
      action: digestOf(Buffer.from(`action ${index}`)),
      command: `/usr/bin/gcc -O2 -Iinclude -c src/part-${index}.c -o bazel-out/k8-fastbuild/bin/src/part-${index}.o`,
      platform: [{ name: "OSFamily", value: "linux" }],
      priority: 0,
      cacheable: true,
      timeoutMs: 3_600_000,
    },
    outcome: undefined,
    now,
  });
  if (index < COMPLETED) await completeJob(store, operation.job.id, index);
  return operation.id;
}

function metadataOf(index: number) {
  return {
    toolName: "bazel",
    toolVersion: "8.4.2",
    actionId: digestOf(Buffer.from(`action ${index}`)).hash,
    invocationId: `4b4a7c1e-6f0f-4f0e-9d6c-${String(Math.floor(index / 1000)).padStart(12, "0")}`,
    correlatedInvocationsId: "0b9b5a7e-2f64-4f9f-8a37-5b1c0e3d9a11",
    actionMnemonic: "CppCompile",
    targetId: `//src:part-${index}`,
    configurationId: digestOf(Buffer.from("configuration")).hash,
  };
}

async function completeJob(store: Store, jobId: string, index: number): Promise<void> {
  const now = Date.now();
  const outcome = outcomeOf(responseOf(index, now), { cached: false });
  await store.complete({ jobId, session: undefined, outcome, actionResult: undefined, startedAt: now, now });
}

function responseOf(index: number, now: number): ExecuteResponse {
  const at = timestampFromMs(now);
  return create(ExecuteResponseSchema, {
    result: {
      outputFiles: [
        {
          path: `bazel-out/k8-fastbuild/bin/src/part-${index}.o`,
          digest: fromDigest(digestOf(Buffer.from(`output ${index}`))),
        },
      ],
      executionMetadata: {
        worker: "worker-17",
        ...{ queuedTimestamp: at, workerStartTimestamp: at, workerCompletedTimestamp: at },
        ...{ inputFetchStartTimestamp: at, inputFetchCompletedTimestamp: at },
        ...{ executionStartTimestamp: at, executionCompletedTimestamp: at },
        ...{ outputUploadStartTimestamp: at, outputUploadCompletedTimestamp: at },
      },
    },
  });
}
