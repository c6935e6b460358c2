import { type OperationRecord, type PlatformProperty, Stage } from "../operations/operations.ts";
import type { JobEvent, JobOperations, LeaseRecord, OperationKey, SessionRecord, Store } from "../store/store.ts";
import { EVERY_INSTANCE } from "./platforms.ts";
import { type FittingBots, fittingBots, POSITION_LIMIT, type Wait, whyWaiting } from "./waiting.ts";

/** A bot that serves some instance of those that are looked at, as these may see it. */
export interface Worker {
  readonly session: SessionRecord;
  /** The jobs of the instances that it holds. */
  readonly leases: readonly LeaseRecord[];
  /** How many of other instances it holds. */
  readonly otherLeases: number;
}

/** The live work of one set of requirements, and who could do it. */
export interface PlatformLoad {
  readonly instance: string;
  readonly properties: readonly PlatformProperty[];
  readonly queued: number;
  readonly executing: number;
  readonly oldestQueuedAt: number | undefined;
  readonly bots: FittingBots;
}

/** How far an operation is. */
export interface OperationStanding {
  readonly operation: OperationRecord;
  /** Only while it is queued. */
  readonly queued: { readonly ahead: number; readonly wait: Wait } | undefined;
}

/** What happened to a job; `operation` is the one that was asked by. */
export interface JobHistory {
  readonly operation: OperationRecord;
  readonly events: readonly JobEvent[];
}

/** The look at the farm from some instances. Everything is read from the store when it is asked for. */
export interface Census {
  /** Workers in order of their session names, at most `limit`, after that name ("" for the first). */
  workers(instances: readonly string[], page: { readonly after: string; readonly limit: number }): Promise<Worker[]>;
  /** The workers whose bot id or session name contains `text`, in any case; and how many there are. */
  findWorkers(
    instance: string,
    search: { readonly text: string; readonly skip: number; readonly limit: number },
  ): Promise<{ workers: Worker[]; total: number }>;
  queue(instances: readonly string[]): Promise<PlatformLoad[]>;
  /** Undefined when there is no such operation. Counts as no poll. */
  standing(key: OperationKey): Promise<OperationStanding | undefined>;
  /** The operations of a job, the oldest 100. */
  jobOperations(jobId: string): Promise<JobOperations>;
  /** Undefined when there is no such operation. */
  history(key: OperationKey): Promise<JobHistory | undefined>;
}

const MOST_JOB_OPERATIONS = 100;

/** Makes the look at the farm over a store. */
export function createCensus(store: Store): Census {
  const parentsOf = (instances: readonly string[]) => [...instances, EVERY_INSTANCE];

  async function worker(instances: readonly string[], session: SessionRecord): Promise<Worker> {
    const held = await store.leases(session.name);
    const leases = held.filter((lease) => instances.includes(lease.instance));
    return { session, leases, otherLeases: held.length - leases.length };
  }

  const workersOf = (instances: readonly string[], sessions: readonly SessionRecord[]) =>
    Promise.all(sessions.map((session) => worker(instances, session)));

  return {
    workers: async (instances, page) =>
      workersOf(instances, await store.sessionPage({ parents: parentsOf(instances), ...page })),

    findWorkers: async (instance, { text, skip, limit }) => {
      const wanted = text.toLowerCase();
      const found = (await store.sessions(undefined)).filter(
        ({ parent, botId, name }) =>
          parentsOf([instance]).includes(parent) &&
          (botId.toLowerCase().includes(wanted) || name.toLowerCase().includes(wanted)),
      );
      return { workers: await workersOf([instance], found.slice(skip, skip + limit)), total: found.length };
    },

    queue: async (instances) => {
      const parents = parentsOf(instances);
      const [queues, kinds] = await Promise.all([store.platformQueues(instances), store.botKinds(parents)]);
      return queues.map((queue) => ({ ...queue, bots: fittingBots(kinds, queue.instance, queue.properties) }));
    },

    standing: async (key) => {
      const operation = await store.getOperation(key);
      if (operation?.stage !== Stage.QUEUED) return operation && { operation, queued: undefined };
      const [ahead, kinds] = await Promise.all([
        store.jobsAhead(operation.job.id, POSITION_LIMIT),
        store.botKinds(parentsOf([key.instance])),
      ]);
      return { operation, queued: { ahead, wait: whyWaiting(operation.job, kinds, ahead) } };
    },

    jobOperations: (jobId) => store.jobOperations(jobId, MOST_JOB_OPERATIONS),

    history: async (key) => {
      const operation = await store.getOperation(key);
      return operation && { operation, events: await store.history(operation.job.id) };
    },
  };
}
