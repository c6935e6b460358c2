import type { Clock } from "../base/clock.ts";
import { notFound } from "../base/errors.ts";
import {
  buildQuery,
  type ClientIdentity,
  formatOperationName,
  type OperationQuery,
  type OperationRecord,
  parseFilter,
} from "../operations/operations.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type { InstanceSettings } from "./instance.ts";
import { type WatchedBatch, type WatchRequest, watchOperations } from "./watch-operations.ts";

/** What a client asks a list for; "" and 0 mean the defaults. */
export interface ListRequest {
  readonly filter: string;
  readonly pageSize: number;
  readonly pageToken: string;
}

/** One page; the token is "" on the last one. */
export interface OperationPage {
  readonly operations: readonly OperationRecord[];
  readonly nextPageToken: string;
}

/** The operations of one instance, by id. NOT_FOUND where a record is answered and there is none. */
export interface Operations {
  get(id: string): Promise<OperationRecord>;
  list(request: ListRequest): Promise<OperationPage>;
  /** What a query that was made for several instances finds in this one. */
  find(query: OperationQuery): Promise<readonly OperationRecord[]>;
  /** Those that match a filter, and what happens to them; see watchOperations. */
  watch(request: WatchRequest): AsyncIterable<WatchedBatch>;
  /** The latest state at the end of the operation or of the time, whichever is first. */
  wait(id: string, options: { signal: AbortSignal; timeoutMs: number }): Promise<OperationRecord>;
  /** False when there is no such operation. The history keeps who it was. */
  cancel(id: string, identity: ClientIdentity | undefined): Promise<boolean>;
  delete(id: string): Promise<void>;
}

/** Makes one instance's view of the scheduler's operations. Throws when the default filter is not a filter. */
export function createOperations(
  instance: string,
  deps: { scheduler: Scheduler; settings: InstanceSettings; clock: Clock },
): Operations {
  const { scheduler, settings, clock } = deps;
  parseFilter(settings.defaultFilter);

  function found(id: string, record: OperationRecord | undefined): OperationRecord {
    if (!record) throw missingOperation(instance, id);
    return record;
  }

  const find = (query: OperationQuery) => scheduler.list({ ...query, instance });
  const { defaultFilter, maxPageSize, keepAliveMs } = settings;
  const scope = { name: instance, instances: new Set([instance]), defaultFilter, maxPageSize, keepAliveMs, find };

  return {
    get: async (id) => found(id, await scheduler.poll({ instance, id })),
    list: async (request) => {
      const { query, page } = buildQuery({
        instance,
        filterText: request.filter,
        defaultFilter: settings.defaultFilter,
        pageSize: request.pageSize,
        pageToken: request.pageToken,
        maxPageSize: settings.maxPageSize,
        now: clock.now(),
      });
      return page(await scheduler.list(query));
    },
    find,
    watch: (request) => watchOperations(scope, { changes: scheduler.changes, clock }, request),
    wait: async (id, options) => found(id, await scheduler.wait({ instance, id }, options)),
    cancel: (id, identity) =>
      scheduler.cancel({ instance, id }, { by: "client", identity, reason: "cancelled by a client" }),
    delete: async (id) => {
      if (!(await scheduler.delete({ instance, id }))) throw missingOperation(instance, id);
    },
  };
}

/** NOT_FOUND for an operation, by its full name. */
export function missingOperation(instance: string, id: string) {
  return notFound(
    "operation",
    formatOperationName(instance, id),
    "it never existed, was deleted, or is past retention",
  );
}
