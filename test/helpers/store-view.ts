import assert from "node:assert/strict";
import { type OperationQuery, type OperationRecord, Stage } from "../../src/operations/operations.ts";
import type { ChangePosition, OperationKey, Store } from "../../src/store/store.ts";
import { resultKey, type StoreModel } from "./store-model.ts";
import { ACTIONS, INSTANCES, SESSIONS, TIMEOUT_MS } from "./store-steps.ts";

/** Whose state is looked at. */
export interface Known {
  readonly operations: readonly OperationKey[];
  readonly jobs: readonly string[];
}

const byId = <T extends { readonly id: string }>(all: readonly T[]) => all.toSorted((a, b) => (a.id < b.id ? -1 : 1));

/** All by which one knows in which order the last calls took effect, and cheap enough to be asked after each. */
export async function quickView(store: Store, { operations, jobs }: Known) {
  const [records, liveOperations, liveJobs, sessions, histories, results] = await Promise.all([
    Promise.all(operations.map((key) => store.getOperation(key))),
    store.liveOperations(),
    store.liveJobs(undefined),
    store.sessions(undefined),
    Promise.all(jobs.map((id) => store.history(id))),
    Promise.all(INSTANCES.flatMap((one) => ACTIONS.map((action) => store.getActionResult(one, action, 0)))),
  ]);
  return { records, liveOperations: byId(liveOperations), liveJobs: byId(liveJobs), sessions, histories, results };
}

/** The same of the model. */
export function quickViewOf(model: StoreModel, { operations, jobs }: Known): Awaited<ReturnType<typeof quickView>> {
  return {
    records: operations.map((key) => model.getOperation(key)),
    liveOperations: byId(model.liveOperations()),
    liveJobs: byId(model.liveJobs()),
    sessions: [...model.sessions.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    histories: jobs.map((id) => [...model.history(id)]),
    results: INSTANCES.flatMap((one) => ACTIONS.map((action) => model.results.get(resultKey(one, action)))),
  };
}

/** All else that can be asked. */
export async function wholeView(store: Store, { jobs }: Known, now: number) {
  return {
    jobs: await Promise.all(jobs.map((id) => store.getJob(id))),
    lists: await Promise.all(INSTANCES.map((instance) => store.listOperations(everything(instance)))),
    liveJobs: await Promise.all(INSTANCES.map(async (instance) => byId(await store.liveJobs(instance)))),
    leased: await Promise.all(SESSIONS.map(async (name) => byId(await store.leasedJobs(name)))),
    leases: await Promise.all(SESSIONS.map((name) => store.leases(name))),
    overdue: byId(await store.overdueJobs(now, 1, 100)),
    waiting: await Promise.all(INSTANCES.map(async (one) => byId(await store.jobsQueuedBefore(one, now - 5, 100)))),
    queues: (await Promise.all(INSTANCES.map((instance) => store.platformQueues([instance])))).flat(),
  };
}

/** The same of the model. */
export function wholeViewOf(model: StoreModel, { jobs }: Known, now: number): Awaited<ReturnType<typeof wholeView>> {
  const live = model.liveJobs();
  const executing = live.filter(({ stage }) => stage === Stage.EXECUTING);
  const queued = live.filter(({ stage }) => stage === Stage.QUEUED);
  return {
    jobs: jobs.map((id) => model.jobs.get(id)),
    lists: INSTANCES.map((instance) => byId(model.operations(instance))),
    liveJobs: INSTANCES.map((instance) => byId(live.filter((job) => job.instance === instance))),
    leased: SESSIONS.map((name) => byId(live.filter(({ session }) => session === name))),
    leases: SESSIONS.map((name) => model.leases(name)),
    overdue: byId(executing.filter(({ assignedAt = 0 }) => assignedAt + TIMEOUT_MS + 1 < now)),
    waiting: INSTANCES.map((one) => byId(queued.filter((job) => job.instance === one && job.queuedAt < now - 5))),
    queues: INSTANCES.flatMap((instance) =>
      ["linux", "macos"].map((value) => {
        const here = (job: (typeof live)[number]) => job.instance === instance && job.platform[0]?.value === value;
        const times = queued.filter(here).map(({ queuedAt }) => queuedAt);
        return {
          instance,
          properties: [{ name: "OSFamily", value }],
          ...{ queued: times.length, executing: executing.filter(here).length },
          oldestQueuedAt: times.length > 0 ? Math.min(...times) : undefined,
        };
      }),
    ),
  };
}

function everything(instance: string): OperationQuery {
  const order = [{ key: "name", descending: false }] as const;
  return { instance, filter: { kind: "and", terms: [] }, order, after: undefined, limit: 1000 };
}

/** Somebody who follows the changes of operations, and what those are that there should be. */
export class Follower {
  readonly #store: Store;
  #position: ChangePosition;
  /** The last that was told of each operation. */
  readonly told = new Map<string, OperationRecord | "deleted">();
  /** Ids of what has changed since the beginning. */
  readonly expected = new Set<string>();

  private constructor(store: Store, position: ChangePosition) {
    this.#store = store;
    this.#position = position;
  }

  static async from(store: Store): Promise<Follower> {
    return new Follower(store, await store.changePosition());
  }

  /** Begins anew where it is. */
  forget(): void {
    this.told.clear();
    this.expected.clear();
  }

  /** Reads one page; false when there was nothing. */
  async read(limit: number): Promise<boolean> {
    const page = await this.#store.changesAfter(this.#position, limit);
    assert.ok(page, "the position is good");
    assert.ok(page.changes.length <= limit);
    this.#position = page.position;
    for (const change of page.changes) {
      if (change.kind === "deleted") this.told.set(change.key.id, "deleted");
      else this.told.set(change.operation.id, change.operation);
    }
    return page.changes.length > 0;
  }
}

/** What a change tells of an operation: not that it is polled, and once it is cancelled no more of its job. */
export function toldOf(record: OperationRecord | "deleted" | undefined): unknown {
  if (record === undefined || record === "deleted") return "deleted";
  return { ...record, polled: false, ...(record.cancelled && { job: undefined }) };
}
