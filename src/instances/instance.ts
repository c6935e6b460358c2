import type { Directory } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import type { Clock } from "../base/clock.ts";
import type { Digest } from "../base/digests.ts";
import { type ActionCache, type Cas, type TreeOptions, tree } from "../cas/cas.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import { createExecution, type Execution } from "./execution.ts";
import { createFarm, type Farm } from "./farm.ts";
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

/** What bots need of that which they belong to: an instance, or `*`, which stands for all of them. */
export interface BotHome {
  readonly name: string;
  readonly settings: InstanceSettings;
  readonly leasing: Leasing;
}

/** The bundle of collaborators that one tenant uses; nothing in it is shared with another tenant's data. */
export interface Instance extends BotHome {
  readonly cas: Cas;
  /** The directories of a tree in its CAS, page by page; NOT_FOUND when the root is not there. */
  tree(root: Digest, options: TreeOptions): AsyncIterable<Directory[]>;
  readonly actionCache: ActionCache;
  readonly execution: Execution;
  readonly operations: Operations;
  readonly farm: Farm;
}

/** The storage of one instance. */
export interface InstanceStorage {
  readonly cas: Cas;
  readonly actionCache: ActionCache;
  /** Actions whose inputs were found and that are not in the store yet: eviction has to spare them like those of live jobs. */
  readonly submitting: Set<Digest>;
}

interface BotHomeDeps {
  readonly scheduler: Scheduler;
  readonly settings: InstanceSettings;
  /** Finds the CAS of the instance that a leased job belongs to. */
  readonly casOf: (instance: string) => Cas | undefined;
}

/** Makes a home of bots; for `*` that is all there is. */
export function createBotHome(name: string, deps: BotHomeDeps): BotHome {
  return { name, settings: deps.settings, leasing: createLeasing(name, deps) };
}

/** Bundles what an instance uses. */
export function createInstance(
  name: string,
  deps: BotHomeDeps & { readonly storage: InstanceStorage; readonly clock: Clock },
): Instance {
  const { scheduler, settings, clock } = deps;
  const { cas, actionCache, submitting } = deps.storage;
  return {
    ...createBotHome(name, deps),
    cas,
    tree: (root, options) => tree(cas, root, options),
    actionCache,
    execution: createExecution(name, { cas, actionCache, submitting, scheduler, settings }),
    operations: createOperations(name, { scheduler, settings, clock }),
    farm: createFarm(name, { scheduler, clock }),
  };
}
