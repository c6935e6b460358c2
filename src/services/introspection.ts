import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type Introspection,
  JobHistorySchema,
  ListWorkersResponseSchema,
  OperationFiltersSchema,
  OperationStatsSchema,
  type RegisteredWorkerSchema,
} from "../../gen/build/buildgrid/introspection_pb.ts";
import type { BotStatus } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import { fromDigest } from "../base/wire-digests.ts";
import { POSITION_LIMIT, type Worker } from "../instances/instances.ts";
import { type FilterKeySpec, filterKeys, formatOperationName } from "../operations/operations.ts";
import { eventPayload } from "./job-events.ts";
import { target } from "./target.ts";

/** `build.buildgrid.Introspection`: the same facts as `opgrid.v1.FarmService` in BuildGrid's form. */
export function introspectionService(): ServiceImpl<typeof Introspection> {
  return {
    listWorkers: async ({ workerName, page, pageSize }, context) => {
      const { instance } = target(context);
      const { workers, ...rest } = await instance.farm.findWorkers({ text: workerName, page, pageSize });
      return create(ListWorkersResponseSchema, {
        ...rest,
        workers: workers.map((worker) => registered(worker, instance.name)),
      });
    },
    getOperationFilters: () =>
      create(OperationFiltersSchema, { filters: [...Object.entries(filterKeys).map(filter), SORT_ORDER] }),
    getOperationStats: async (_request, context) => {
      const { instance, id } = target(context);
      const { queued } = await instance.farm.standing(id);
      const ahead = queued?.ahead ?? 0;
      return create(OperationStatsSchema, {
        queuePosition: ahead >= POSITION_LIMIT ? `${POSITION_LIMIT}+` : `~${ahead}`,
      });
    },
    getJobHistory: async (_request, context) => {
      const { instance, id } = target(context);
      const { operation, events } = await instance.farm.history(id);
      return create(JobHistorySchema, {
        actionDigest: fromDigest(operation.job.action),
        history: events.map((event) => ({
          eventType: event.kind,
          timestamp: timestampFromMs(event.at),
          payload: JSON.stringify(eventPayload(instance.name, event) ?? null),
        })),
      });
    },
  };
}

function registered({ session, leases }: Worker, instance: string): MessageInitShape<typeof RegisteredWorkerSchema> {
  const operations = leases.flatMap(({ operations, action }) =>
    operations.map((id) => ({
      operationName: formatOperationName(instance, id),
      actionDigest: fromDigest(action),
    })),
  );
  const last = operations.at(-1)?.actionDigest;
  return {
    workerName: session.botId,
    sessionName: session.name,
    lastUpdated: timestampFromMs(session.updatedAt),
    botStatus: session.status as BotStatus,
    ...(last && { actionDigest: last }),
    expiryTime: timestampFromMs(session.expiresAt),
    operations,
  };
}

const SORT_ORDER = {
  comparators: ["="],
  description: "The order of the list: a key, with (asc) or (desc) behind; may be repeated",
  key: "sort_order",
  name: "Sort order",
  type: "text",
  values: [],
};

function filter([key, { description, type, operators }]: [string, FilterKeySpec]) {
  const words = key.replace(/[_.]/g, " ").replace("@", "");
  return {
    // Its clients know the operators that compare, and two types.
    comparators: operators.filter((operator) => operator !== ":"),
    description,
    key,
    name: words.charAt(0).toUpperCase() + words.slice(1),
    type: type.name === "time" ? "datetime" : "text",
    values: [...type.values],
  };
}
