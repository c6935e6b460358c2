import type { ActionCache, Cas } from "../cas/cas.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import { createExecution, type Execution } from "./execution.ts";
import { createLeasing, type Leasing } from "./leasing.ts";
import { createOperations, type Operations } from "./operations.ts";

/** What one tenant's configuration says. Times are milliseconds, sizes bytes. */
export interface InstanceSettings {
  /** Full names of the proto services that this instance serves. */
  readonly services: ReadonlySet<string>;
  /** The filter of a list that asks for none. */
  readonly defaultFilter: string;
  readonly maxPageSize: number;
  readonly maxBatchBytes: number;
  readonly maxBlobBytes: number;
  readonly actionCacheUpdates: boolean;
  /** For actions that name no timeout. */
  readonly defaultTimeoutMs: number;
  readonly maxTimeoutMs: number;
  readonly minPriority: number;
  readonly maxPriority: number;
  /** A silent Execute or WaitExecution stream repeats its state after this long. */
  readonly keepAliveMs: number;
  /** The longest that a call which waits (WaitOperation, UpdateBotSession) is held open. */
  readonly longPollMs: number;
}

/** The bundle of collaborators that one tenant uses; nothing in it is shared with another tenant's data. */
export interface Instance {
  readonly name: string;
  readonly settings: InstanceSettings;
  readonly cas: Cas;
  readonly actionCache: ActionCache;
  readonly execution: Execution;
  readonly operations: Operations;
  readonly leasing: Leasing;
}

/** The storage of one instance. */
export interface InstanceStorage {
  readonly cas: Cas;
  readonly actionCache: ActionCache;
}

/** Bundles what an instance uses. `storageOf` finds the storage of the instance that a leased job belongs to. */
export function createInstance(
  name: string,
  deps: {
    storage: InstanceStorage;
    scheduler: Scheduler;
    settings: InstanceSettings;
    storageOf: (instance: string) => InstanceStorage | undefined;
  },
): Instance {
  const { scheduler, settings } = deps;
  const { cas, actionCache } = deps.storage;
  return {
    name,
    settings,
    cas,
    actionCache,
    execution: createExecution(name, { cas, actionCache, scheduler, settings }),
    operations: createOperations(name, { scheduler, settings }),
    leasing: createLeasing(name, { scheduler, casOf: (instance) => deps.storageOf(instance)?.cas }),
  };
}
