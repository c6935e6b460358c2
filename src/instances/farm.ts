import type { Clock } from "../base/clock.ts";
import { invalidField } from "../base/errors.ts";
import { type ClientIdentity, filterAt, parseFilter } from "../operations/operations.ts";
import type {
  CancelledMany,
  Cause,
  JobHistory,
  JobOperations,
  OperationStanding,
  Scheduler,
  Worker,
} from "../scheduler/scheduler.ts";
import { createFarmView, type FarmView, notNegative, type Timed } from "./farm-view.ts";
import { missingOperation } from "./operations.ts";

/** Who wants something done, and why; "" for no reason. */
export interface Decision {
  readonly identity: ClientIdentity | undefined;
  readonly reason: string;
}

/** What operators ask of one instance. NOT_FOUND where an operation is named and there is none. */
export interface Farm extends FarmView {
  /** The workers that have `text` in their names, page by page from 1. INVALID_ARGUMENT for negative numbers. */
  findWorkers(request: {
    readonly text: string;
    readonly page: number;
    readonly pageSize: number;
  }): Promise<{ workers: Worker[]; total: number; page: number; pageSize: number }>;
  standing(id: string): Promise<Timed<OperationStanding>>;
  /** The standing, and who else wants the same job. */
  stats(id: string): Promise<Timed<OperationStanding & { readonly wanted: JobOperations }>>;
  history(id: string): Promise<JobHistory>;
  /** Cancels the job of an operation with all its operations. False when it had ended. */
  kill(id: string, decision: Decision): Promise<boolean>;
  /** Cancels what matches a filter. INVALID_ARGUMENT for none, a wrong one, or one that sorts. */
  cancelMany(
    request: Decision & { readonly filter: string; readonly dryRun: boolean; readonly signal: AbortSignal },
  ): Promise<CancelledMany>;
}

const FOUND_WORKERS = 100;

/** Makes one instance's view of the farm. */
export function createFarm(instance: string, deps: { scheduler: Scheduler; clock: Clock }): Farm {
  const { scheduler, clock } = deps;
  const { census, figures } = scheduler;

  async function found<T>(id: string, answer: Promise<T | undefined>): Promise<T> {
    const value = await answer;
    if (value === undefined) throw missingOperation(instance, id);
    return value;
  }

  const standing = (id: string) => found(id, census.standing({ instance, id }));

  return {
    ...createFarmView([instance], { census, figures, clock }),
    findWorkers: async (request) => {
      const page = notNegative("page", request.page) || 1;
      const pageSize = Math.min(notNegative("page_size", request.pageSize) || FOUND_WORKERS, FOUND_WORKERS);
      const search = { text: request.text, skip: (page - 1) * pageSize, limit: pageSize };
      return { ...(await census.findWorkers(instance, search)), page, pageSize };
    },
    standing: async (id) => ({ ...(await standing(id)), at: clock.now() }),
    stats: async (id) => {
      const known = await standing(id);
      return { ...known, wanted: await census.jobOperations(known.operation.job.id), at: clock.now() };
    },
    history: (id) => found(id, census.history({ instance, id })),
    kill: async (id, decision) => {
      const result = await scheduler.kill({ instance, id }, causeOf(decision, "killed by a client"));
      if (result.kind === "missing") throw missingOperation(instance, id);
      return result.kind === "cancelled";
    },
    cancelMany: async ({ filter: text, dryRun, signal, ...decision }) => {
      const { filter, hasFilter, order } = parseFilter(text);
      if (!hasFilter) throw invalidField("filter", "must say which operations; stage != COMPLETED means all");
      if (order.length > 0) throw invalidField("filter", "sort_order has no meaning here");
      const cause = causeOf(decision, "cancelled by a client, with others");
      return scheduler.cancelMany({ instance, filter: filterAt(filter, clock.now()), cause, dryRun, signal });
    },
  };
}

function causeOf({ identity, reason }: Decision, otherwise: string): Cause {
  return { by: "client", identity, reason: reason || otherwise };
}
