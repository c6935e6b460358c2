import { toBinary } from "@bufbuild/protobuf";
import { ExecuteResponseSchema } from "../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { digestOf } from "../src/base/digests.ts";
import { newId } from "../src/base/ids.ts";
import { Stage } from "../src/operations/operations.ts";
import { commandOf, responseOf } from "./samples.ts";

/** So many of the operations, the latest, have not ended: one in ten executes, the others wait. */
export const LIVE = 1_000;

/** Invocations that go on at the same time; each has 100 operations. */
const PARALLEL = 10;
const PER_INVOCATION = 100;
/** Of five invocations three are Bazel's. */
const TOOLS = ["bazel", "bazel", "bazel", "buck2", "recc"];
/** The share of operations that are Bazel's. */
export const bazelShare = TOOLS.filter((tool) => tool === "bazel").length / TOOLS.length;
const MNEMONICS = ["CppCompile", "CppCompile", "CppLink", "Genrule", "TestRunner"];
const WORKERS = 50;
/** One operation in so many fails. */
const FAILS = 20;
const CREATED_EACH_MS = 20;
const DAY_MS = 24 * 3_600_000;

/** The rows of a number of operations, by table; each operation has a job of its own. Older ones have smaller numbers. */
export function createRows(instance: string, count: number) {
  const begin = Date.now() - (count + LIVE) * CREATED_EACH_MS;
  const responses = encodedResponses(begin);

  function at(index: number) {
    const queuedAt = begin + index * CREATED_EACH_MS;
    const kind = index % responses.length;
    const stage = stageOf(index, count);
    const completed = stage === Stage.COMPLETED;
    const ended = completed ? { at: queuedAt + 1000 + ((index * 7919) % 5000), ...responses[kind] } : undefined;
    const started = stage === Stage.QUEUED ? null : queuedAt + 500;
    const job = {
      ...{ id: newId(), instance, command: commandOf(index), platform_id: 1 },
      ...{ digest_function: "sha256", action_hash: digestOf(Buffer.from(`action ${index}`)).hash, action_size: 142 },
      ...{ priority: 0, cacheable: 1, timeout_ms: DAY_MS, stage, attempts: started === null ? 0 : 1 },
      ...{ queued_at: queuedAt, assigned_at: started, started_at: started, completed_at: ended?.at ?? null },
      session: stage === Stage.EXECUTING ? sessionOf(instance, index) : null,
      worker: started === null ? null : workerOf(index),
      ...{ status_code: ended ? 0 : null, exit_code: ended?.exitCode ?? null, cached: ended ? 0 : null },
    };
    const operation = {
      ...{ instance, id: newId(), job_id: job.id, stage, cancelled: 0, polled: 0 },
      ...{ created_at: queuedAt, queued_at: queuedAt, completed_at: job.completed_at },
      ...metadataOf(index),
    };
    return { job, operation, payload: ended && { job_id: job.id, response: ended.response ?? null } };
  }

  return {
    at,
    platform: { id: 1, instance, properties: '[["OSFamily","linux"]]' },
    sessions: Array.from({ length: WORKERS }, (_, number) => sessionRow(instance, number)),
  };
}

/** All invocations whose operations have all ended. */
export function endedInvocations(count: number): string[] {
  return Array.from({ length: (count - LIVE) / PER_INVOCATION }, (_, number) => invocationName(number));
}

function stageOf(index: number, count: number): Stage {
  if (index < count - LIVE) return Stage.COMPLETED;
  return index % 10 === 0 ? Stage.EXECUTING : Stage.QUEUED;
}

function metadataOf(index: number) {
  const invocation = Math.floor(index / (PARALLEL * PER_INVOCATION)) * PARALLEL + (index % PARALLEL);
  return {
    ...{ tool_name: TOOLS[invocation % TOOLS.length] ?? null, tool_version: "8.4.2" },
    ...{ action_id: digestOf(Buffer.from(`action ${index}`)).hash, invocation_id: invocationName(invocation) },
    correlated_invocations_id: `0b9b5a7e-2f64-4f9f-8a37-${String(Math.floor(invocation / 8)).padStart(12, "0")}`,
    ...{ action_mnemonic: MNEMONICS[index % MNEMONICS.length] ?? null, target_id: `//src:part-${index % 20_000}` },
    configuration_id: digestOf(Buffer.from("configuration")).hash,
  };
}

function invocationName(number: number): string {
  return `4b4a7c1e-6f0f-4f0e-9d6c-${String(number).padStart(12, "0")}`;
}

/** A session that nobody keeps alive and that stays until the bench is over. */
function sessionRow(instance: string, number: number) {
  const now = Date.now();
  return {
    ...{ name: sessionOf(instance, number), bot_id: workerOf(number), parent: instance, status: 1, capacity: LIVE },
    ...{ properties: '[["OSFamily","linux"]]', version: 1, expires_at: now + DAY_MS, updated_at: now },
  };
}

function sessionOf(instance: string, number: number): string {
  return `${instance}/session-${number % WORKERS}`;
}

function workerOf(number: number): string {
  return `worker-${number % WORKERS}`;
}

/** Made once, as encoding a million of them would take longer than writing them; of one worker each. */
function encodedResponses(at: number) {
  return Array.from({ length: WORKERS }, (_, index) => {
    const exitCode = index % FAILS === 0 ? 1 : 0;
    const response = responseOf(index, { worker: workerOf(index), exitCode, at });
    return { exitCode, response: toBinary(ExecuteResponseSchema, response) };
  });
}
