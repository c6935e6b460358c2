import type { Clock } from "../base/clock.ts";
import { invalidField } from "../base/errors.ts";
import { type ClientIdentity, filterAt, parseFilter } from "../operations/operations.ts";
import type {
  CancelledMany,
  Cause,
  JobHistory,
  OperationStanding,
  PlatformLoad,
  Scheduler,
  Worker,
} from "../scheduler/scheduler.ts";
import { missingOperation } from "./operations.ts";

/** One page of workers; the token is "" on the last one. */
export interface WorkerPage {
  readonly workers: readonly Worker[];
  readonly nextPageToken: string;
}

/** Who wants something done, and why; "" for no reason. */
export interface Decision {
  readonly identity: ClientIdentity | undefined;
  readonly reason: string;
}

/** Something that holds at a time, in milliseconds. */
export type Timed<T> = T & { readonly at: number };

/** What operators ask of one instance. NOT_FOUND where an operation is named and there is none. */
export interface Farm {
  /** Workers by session name. INVALID_ARGUMENT for a negative size and a token of no list. */
  workers(request: { readonly pageSize: number; readonly pageToken: string }): Promise<WorkerPage>;
  /** The workers that have `text` in their names, page by page from 1. INVALID_ARGUMENT for negative numbers. */
  findWorkers(request: {
    readonly text: string;
    readonly page: number;
    readonly pageSize: number;
  }): Promise<{ workers: Worker[]; total: number; page: number; pageSize: number }>;
  queue(): Promise<Timed<{ readonly platforms: PlatformLoad[] }>>;
  standing(id: string): Promise<Timed<OperationStanding>>;
  history(id: string): Promise<JobHistory>;
  /** Cancels the job of an operation with all its operations. False when it had ended. */
  kill(id: string, decision: Decision): Promise<boolean>;
  /** Cancels what matches a filter. INVALID_ARGUMENT for none, a wrong one, or one that sorts. */
  cancelMany(
    request: Decision & { readonly filter: string; readonly dryRun: boolean; readonly signal: AbortSignal },
  ): Promise<CancelledMany>;
}

const WORKERS = { usual: 100, most: 1000 };
const FOUND_WORKERS = 100;
const LONGEST_TOKEN = 4096;

/** Makes one instance's view of the farm. */
export function createFarm(instance: string, deps: { scheduler: Scheduler; clock: Clock }): Farm {
  const { scheduler, clock } = deps;
  const { census } = scheduler;

  async function found<T>(id: string, answer: Promise<T | undefined>): Promise<T> {
    const value = await answer;
    if (value === undefined) throw missingOperation(instance, id);
    return value;
  }

  return {
    workers: async ({ pageSize, pageToken }) => {
      const size = Math.min(notNegative("page_size", pageSize) || WORKERS.usual, WORKERS.most);
      const workers = await census.workers(instance, { after: decodeToken(pageToken), limit: size + 1 });
      const last = workers.length > size ? workers[size - 1] : undefined;
      return { workers: workers.slice(0, size), nextPageToken: last ? encodeToken(last.session.name) : "" };
    },
    findWorkers: async (request) => {
      const page = notNegative("page", request.page) || 1;
      const pageSize = Math.min(notNegative("page_size", request.pageSize) || FOUND_WORKERS, FOUND_WORKERS);
      const search = { text: request.text, skip: (page - 1) * pageSize, limit: pageSize };
      return { ...(await census.findWorkers(instance, search)), page, pageSize };
    },
    queue: async () => ({ platforms: await census.queue(instance), at: clock.now() }),
    standing: async (id) => ({ ...(await found(id, census.standing({ instance, id }))), at: clock.now() }),
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

function notNegative(field: string, value: number): number {
  if (value < 0) throw invalidField(field, "must not be negative");
  return value;
}

function encodeToken(sessionName: string): string {
  return Buffer.from(sessionName).toString("base64url");
}

function decodeToken(token: string): string {
  const bytes = Buffer.from(token, "base64url");
  // Buffer skips what is not base64url; a token has one spelling only.
  if (token.length <= LONGEST_TOKEN && bytes.toString("base64url") === token) return bytes.toString();
  throw invalidField("page_token", "not a token of this list");
}
