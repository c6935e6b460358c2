import { digestOf } from "../src/base/digests.ts";
import { newId } from "../src/base/ids.ts";
import { outcomeOf } from "../src/operations/operations.ts";
import type { Store } from "../src/store/store.ts";
import { commandOf, responseOf } from "./samples.ts";

/** Names of the operations that are in the store before opgrid starts. */
export interface Seeded {
  readonly queued: readonly string[];
  readonly completed: readonly string[];
}

const AT_ONCE = 500;

/** Puts operations into a store, each of a job of its own that no bot of the bench can run. */
export async function seed(
  store: Store,
  instance: string,
  counts: { readonly [kind in keyof Seeded]: number },
): Promise<Seeded> {
  const { queued, completed } = counts;
  const ids: string[] = [];
  for (let from = 0; from < queued + completed; from += AT_ONCE) {
    const size = Math.min(AT_ONCE, queued + completed - from);
    const batch = Array.from({ length: size }, (_, index) =>
      addOperation(store, instance, { index: from + index, completed: from + index < completed }),
    );
    ids.push(...(await Promise.all(batch)));
  }
  const names = ids.map((id) => `${instance}/${id}`);
  return { queued: names.slice(completed), completed: names.slice(0, completed) };
}

async function addOperation(
  store: Store,
  instance: string,
  { index, completed }: { index: number; completed: boolean },
): Promise<string> {
  const now = Date.now();
  const { operation } = await store.submit({
    operation: { id: newId(now), instance, requestMetadata: metadataOf(index), identity: undefined },
    job: {
      id: newId(now),
      action: digestOf(Buffer.from(`action ${index}`)),
      command: commandOf(index),
      platform: [{ name: "OSFamily", value: "linux" }],
      priority: 0,
      cacheable: true,
      timeoutMs: 3_600_000,
    },
    outcome: undefined,
    now,
  });
  if (completed) await completeJob(store, operation.job.id, index);
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
  const outcome = outcomeOf(responseOf(index, { worker: "worker-17", exitCode: 0, at: now }), { cached: false });
  await store.complete({ jobId, session: undefined, outcome, actionResult: undefined, startedAt: now, now });
}
