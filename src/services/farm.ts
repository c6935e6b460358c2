import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { BotStatus } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import {
  type FarmService,
  GetOperationFiltersResponseSchema,
  GetOperationHistoryResponseSchema,
  GetOperationStatsResponseSchema,
  GetQueueResponseSchema,
  type JobEventType,
  ListInstancesResponseSchema,
  ListWorkersResponseSchema,
  type PlatformQueueSchema,
  WaitReason,
  type WorkerSchema,
} from "../../gen/opgrid/v1/opgrid_pb.ts";
import { fromDigest } from "../base/wire-digests.ts";
import { type Farm, type FarmView, type PlatformLoad, POSITION_LIMIT, type Worker } from "../instances/instances.ts";
import { clientIdentityOf, filterKeys, formatOperationName, requestMetadataOf } from "../operations/operations.ts";
import { identityOf } from "./caller.ts";
import { configNamesOf } from "./catalog.ts";
import { figuresResponse } from "./figures.ts";
import { eventPayload } from "./job-events.ts";
import { allInstances, target } from "./target.ts";
import { wantsSummaries, watchResponse } from "./watch.ts";

const MOST_PLATFORMS = 1000;

const WAIT_REASONS = {
  "no-matching-worker": WaitReason.NO_MATCHING_WORKER,
  "workers-unavailable": WaitReason.WORKERS_UNAVAILABLE,
  "behind-others": WaitReason.BEHIND_OTHERS,
  "workers-busy": WaitReason.WORKERS_BUSY,
  starting: WaitReason.STARTING,
} as const;

/** `opgrid.v1.FarmService`: what operators ask beside the Operations service. */
export function farmService(options: { identityFromHeaders: boolean }): ServiceImpl<typeof FarmService> {
  const callerOf = (headers: Headers) => (options.identityFromHeaders ? identityOf(headers) : undefined);
  return {
    watchOperations: async function* ({ filter, resumeToken, changesOnly, limit, view }, context) {
      const watched = allInstances(context) ?? target(context).instance.operations;
      const summaries = wantsSummaries(view);
      const request = { filter, resumeToken, changesOnly, limit, summaries, signal: context.signal };
      for await (const batch of watched.watch(request)) yield watchResponse(batch, summaries);
    },
    listInstances: (_request, context) => {
      const all = allInstances(context)?.all ?? [];
      return create(ListInstancesResponseSchema, {
        instances: all.map(({ name, settings }) => ({ name, services: configNamesOf(settings.services) })),
      });
    },
    listWorkers: async (request, context) => {
      const { workers, nextPageToken } = await farmOf(context).workers(request);
      return create(ListWorkersResponseSchema, { workers: workers.map(wireWorker), nextPageToken });
    },
    getQueue: async (request, context) => {
      const { platforms: all, at } = await farmOf(context).queue();
      const shown = request.includeIdle ? all : all.filter(({ queued, executing }) => queued + executing > 0);
      const platforms = shown.sort((a, b) => b.queued - a.queued).slice(0, MOST_PLATFORMS);
      return create(GetQueueResponseSchema, {
        platforms: platforms.map((load) => wireQueue(load, at)),
        platformCount: shown.length,
      });
    },
    getFigures: async ({ window }, context) => figuresResponse(await farmOf(context).figures(window)),
    getOperationStats: async (_request, context) => {
      const { instance, id } = target(context);
      return wireStats(await instance.farm.stats(id));
    },
    getOperationHistory: async (_request, context) => {
      const { instance, id } = target(context);
      const { operation, events } = await instance.farm.history(id);
      return create(GetOperationHistoryResponseSchema, {
        actionDigest: fromDigest(operation.job.action),
        events: events.map((event) => ({
          type: event.kind satisfies JobEventType,
          eventTime: timestampFromMs(event.at),
          payload: eventPayload(instance.name, event) ?? {},
        })),
      });
    },
    getOperationFilters: () =>
      create(GetOperationFiltersResponseSchema, {
        filters: Object.entries(filterKeys).map(([key, { description, type, operators, sortable }]) => ({
          ...{ key, description, sortable, type: type.name, operators: [...operators], values: [...type.values] },
        })),
      }),
    killJob: async ({ reason }, context) => {
      const { instance, id } = target(context);
      return { killed: await instance.farm.kill(id, { identity: callerOf(context.requestHeader), reason }) };
    },
    cancelOperations: async ({ filter, dryRun, reason }, context) => {
      const { signal, requestHeader } = context;
      const request = { filter, dryRun, reason, signal, identity: callerOf(requestHeader) };
      const { matched, cancelled } = await target(context).instance.farm.cancelMany(request);
      return { matchedCount: BigInt(matched), cancelledCount: BigInt(cancelled) };
    },
  };
}

function farmOf(context: HandlerContext): FarmView {
  return allInstances(context)?.farm ?? target(context).instance.farm;
}

function wireWorker({ session, leases, otherLeases }: Worker): MessageInitShape<typeof WorkerSchema> {
  return {
    botId: session.botId,
    sessionName: session.name,
    instanceName: session.parent,
    status: session.status as BotStatus,
    capacity: session.capacity,
    properties: [...session.properties],
    leases: leases.map(({ instance, operations, action, assignedAt }) => ({
      operationNames: operations.map((id) => formatOperationName(instance, id)),
      actionDigest: fromDigest(action),
      assignTime: timestampFromMs(assignedAt),
    })),
    otherLeaseCount: otherLeases,
    updateTime: timestampFromMs(session.updatedAt),
    expireTime: timestampFromMs(session.expiresAt),
  };
}

function wireQueue(load: PlatformLoad, now: number): MessageInitShape<typeof PlatformQueueSchema> {
  const { instance, properties, queued, executing, oldestQueuedAt, bots } = load;
  return {
    instanceName: instance,
    properties: [...properties],
    queuedCount: BigInt(queued),
    executingCount: BigInt(executing),
    idleWorkerCount: bots.idle,
    busyWorkerCount: bots.busy,
    unavailableWorkerCount: bots.unavailable,
    ...(oldestQueuedAt !== undefined && {
      oldestQueueTime: timestampFromMs(oldestQueuedAt),
      oldestWait: durationFromMs(Math.max(0, now - oldestQueuedAt)),
    }),
    served: bots.idle + bots.busy > 0,
  };
}

function wireStats({ operation, queued, wanted, at }: Awaited<ReturnType<Farm["stats"]>>) {
  const { stage, completedAt, job } = operation;
  const waitedUntil = queued ? at : (job.assignedAt ?? completedAt ?? at);
  return create(GetOperationStatsResponseSchema, {
    stage,
    attemptCount: job.attempts,
    queueDuration: durationFromMs(Math.max(0, waitedUntil - job.queuedAt)),
    botId: job.worker ?? "",
    jobOperations: wanted.operations.map((each) => ({
      name: formatOperationName(each.instance, each.id),
      stage: each.stage,
      requestMetadata: requestMetadataOf(each),
      clientIdentity: clientIdentityOf(each),
    })),
    liveOperationCount: wanted.live,
    ...(queued && {
      queuePosition: queued.ahead,
      queuePositionText: queued.ahead >= POSITION_LIMIT ? `${POSITION_LIMIT} or more` : `about ${queued.ahead}`,
      waitReason: WAIT_REASONS[queued.wait.reason],
      waitText: queued.wait.text,
    }),
  });
}
