import type { TestContext } from "node:test";
import { create, fromBinary } from "@bufbuild/protobuf";
import {
  ActionResultSchema,
  ExecuteResponseSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { BotStatus } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { digestOf } from "../../src/base/digests.ts";
import { silentLog } from "../../src/base/log.ts";
import type { OperationRecord } from "../../src/operations/operations.ts";
import {
  type BotReport,
  createScheduler,
  type LeaseReport,
  type NewJob,
  type Scheduler,
  type SchedulerSettings,
} from "../../src/scheduler/scheduler.ts";
import { fakeClock } from "../helpers/fake-clock.ts";
import { openStore } from "../helpers/open-store.ts";

export const settings: SchedulerSettings = {
  maxAttempts: 5,
  queueTimeoutMs: 0,
  orphanGraceMs: 30_000,
  polledOrphanGraceMs: 0,
  retentionMs: 0,
  sessionTimeoutMs: 60_000,
  longPollMs: 60_000,
};

/** A scheduler over a real store whose time the test moves. */
export async function startFarm(t: TestContext, changes: Partial<SchedulerSettings> = {}) {
  const clock = fakeClock();
  let scheduler: Scheduler | undefined;
  // Hooks run in the order of their registration: the scheduler has to end before its store.
  t.after(() => scheduler?.[Symbol.asyncDispose]());
  const store = await openStore(t, "sqlite");
  const start = () =>
    createScheduler({
      ...{ store, clock, log: silentLog, instances: ["main", "other"] },
      settingsOf: () => ({ ...settings, ...changes }),
    });
  let running = await start();
  scheduler = running;
  return {
    clock,
    store,
    get scheduler() {
      return running;
    },
    /** What a restart of the server does to the scheduler: all that is not in the store is gone. */
    restart: async () => {
      await running[Symbol.asyncDispose]();
      running = await start();
      scheduler = running;
    },
  };
}

export type Farm = Awaited<ReturnType<typeof startFarm>>;

/** A job like any other; `action` makes it a different one. */
export function job(action: string, changes: Partial<NewJob> = {}): NewJob {
  return {
    action: digestOf(Buffer.from(action)),
    command: `run ${action}`,
    platform: [{ name: "OSFamily", value: "linux" }],
    priority: 0,
    cacheable: true,
    timeoutMs: 3_600_000,
    outcome: undefined,
    requestMetadata: undefined,
    identity: undefined,
    ...changes,
  };
}

/** What a healthy Linux bot reports. */
export function bot(botId: string, changes: Partial<BotReport> = {}): BotReport {
  const properties = [{ name: "OSFamily", value: "linux" }];
  return { botId, status: BotStatus.OK, capacity: 1, properties, leases: [], ...changes };
}

export const active = (jobId: string): LeaseReport => ({
  jobId,
  state: "active",
  status: undefined,
  result: undefined,
  progress: undefined,
});

export const finished = (jobId: string, exitCode = 0): LeaseReport => ({
  ...active(jobId),
  state: "completed",
  result: create(ActionResultSchema, { exitCode }),
});

export const failed = (jobId: string, code: number, message = "broken"): LeaseReport => ({
  ...active(jobId),
  state: "completed",
  status: create(StatusSchema, { code, message }),
});

/** A poll that does not wait. */
export const now = { signal: new AbortController().signal, waitMs: 0 };

/** The operation as the store has it. */
export async function stateOf(farm: Farm, operation: OperationRecord): Promise<OperationRecord> {
  const state = await farm.store.getOperation(operation);
  if (!state) throw new Error(`operation ${operation.id} is gone`);
  return state;
}

/** The ExecuteResponse of an ended operation's job. */
export function responseOf(operation: OperationRecord) {
  if (!operation.job.outcome) throw new Error(`job of ${operation.id} has not ended`);
  return fromBinary(ExecuteResponseSchema, operation.job.outcome.response);
}
