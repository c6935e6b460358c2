import { create, fromBinary } from "@bufbuild/protobuf";
import { anyPack, anyUnpack, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type ActionResult,
  ActionResultSchema,
  ActionSchema,
  DigestSchema,
  type ExecutedActionMetadata,
  ExecutedActionMetadataSchema,
} from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import {
  type BotSession,
  BotSessionSchema,
  type Bots,
  type Lease,
  LeaseState,
} from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { invalidField, unimplemented } from "../base/errors.ts";
import { fromDigest } from "../base/wire-digests.ts";
import { INSTANCE_PROPERTY } from "../base/wire-names.ts";
import type { BotReply, BotReport, LeaseOffer, LeaseReport } from "../instances/instances.ts";
import { binaryHeader } from "./caller.ts";
import { untilDeadline, type WaitLimits } from "./deadline.ts";
import { checkShowable } from "./showable.ts";
import { botTarget } from "./target.ts";

/** The share of the time that a call has which an idle bot's update waits for work. */
const WAIT_SHARE = 0.8;
const MOST_LEASES = 1000;
const LONGEST_BOT_ID = 256;

/** Remote Workers API: bots fetch leases by long poll and report on them. */
export function botsService(limits: WaitLimits): ServiceImpl<typeof Bots> {
  return {
    createBotSession: async (request, context) => {
      const { home } = botTarget(context);
      const session = required(request.botSession);
      return wire(await home.leasing.open(reportOf(session, context.requestHeader)), session);
    },
    updateBotSession: async (request, context) => {
      const { home, id } = botTarget(context);
      const session = required(request.botSession);
      if (session.name !== "" && session.name !== request.name) {
        throw invalidField("bot_session.name", `must be the name in the request, ${request.name}`);
      }
      const wait = untilDeadline(context, { ...limits, longestMs: home.settings.longPollMs });
      const poll = { signal: wait.signal, waitMs: Math.floor(wait.timeoutMs * WAIT_SHARE) };
      return wire(await home.leasing.update(id, reportOf(session, context.requestHeader), poll), session);
    },
    postBotEventTemp: () => {
      throw unimplemented("METHOD_NOT_SERVED", "PostBotEventTemp is not served");
    },
  };
}

function required(session: BotSession | undefined): BotSession {
  if (!session) throw invalidField("bot_session", "is missing");
  if (session.botId === "") throw invalidField("bot_session.bot_id", "is missing");
  if (session.botId.length > LONGEST_BOT_ID || /\p{Cc}/u.test(session.botId)) {
    throw invalidField("bot_session.bot_id", `must be at most ${LONGEST_BOT_ID} characters, none of them a control`);
  }
  return session;
}

function reportOf(session: BotSession, headers: Headers): BotReport {
  const device = session.worker?.devices[0]?.properties ?? [];
  const properties = [...device, ...(session.worker?.properties ?? [])].map(({ key, value }) => ({ name: key, value }));
  return {
    botId: session.botId,
    status: session.status,
    capacity: capacityOf(session),
    properties,
    leases: session.leases.map((lease) => leaseReport(lease, headers)),
  };
}

function capacityOf(session: BotSession): number {
  const text = session.worker?.configs.find((config) => config.key === "capacity")?.value ?? "1";
  const capacity = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (capacity <= MOST_LEASES) return capacity;
  throw invalidField(
    "bot_session.worker.configs",
    `capacity must be a whole number from 0 to ${MOST_LEASES}, is ${text}`,
  );
}

function leaseReport(lease: Lease, headers: Headers): LeaseReport {
  const { id, status } = lease;
  if (status) checkShowable(StatusSchema, status, "bot_session.leases.status", headers);
  return {
    jobId: id,
    state: stateOf(lease),
    status,
    result: resultOf(lease, headers),
    progress: progressOf(id, headers),
  };
}

function resultOf({ result }: Lease, headers: Headers): ActionResult | undefined {
  if (!result) return undefined;
  const field = "bot_session.leases.result";
  const message = safely(() => anyUnpack(result, ActionResultSchema));
  if (!message)
    throw invalidField(field, `must be a readable ${ActionResultSchema.typeName}, is ${result.typeUrl || "empty"}`);
  checkShowable(ActionResultSchema, message, field, headers);
  return message;
}

/** Progress is a courtesy: what cannot be read is left out. */
function progressOf(leaseId: string, headers: Headers): ExecutedActionMetadata | undefined {
  const bytes = binaryHeader(headers, `partial-execution-metadata-${leaseId}-bin`);
  return (
    bytes &&
    safely(() => {
      const progress = fromBinary(ExecutedActionMetadataSchema, bytes);
      checkShowable(ExecutedActionMetadataSchema, progress, "progress", headers);
      return progress;
    })
  );
}

function stateOf(lease: Lease): LeaseReport["state"] {
  switch (lease.state) {
    case LeaseState.PENDING:
    case LeaseState.ACTIVE:
      return "active";
    case LeaseState.COMPLETED:
      return "completed";
    case LeaseState.CANCELLED:
      return "cancelled";
    default:
      throw invalidField("bot_session.leases.state", `lease ${lease.id} has no valid state: ${lease.state}`);
  }
}

function safely<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

function wire(reply: BotReply, session: BotSession): BotSession {
  const expireTime = timestampFromMs(reply.expiresAt);
  return create(BotSessionSchema, {
    name: reply.name,
    botId: session.botId,
    status: session.status,
    ...(session.worker && { worker: session.worker }),
    leases: reply.leases.map((offer) => leaseOf(offer, expireTime)),
    expireTime,
    version: reply.version,
  });
}

function leaseOf({ job, action }: LeaseOffer, expireTime: ReturnType<typeof timestampFromMs>) {
  const digest = create(DigestSchema, fromDigest(job.action));
  return {
    id: job.id,
    payload: action
      ? { typeUrl: `type.googleapis.com/${ActionSchema.typeName}`, value: action }
      : anyPack(DigestSchema, digest),
    state: LeaseState.ACTIVE,
    requirements: { properties: [{ key: INSTANCE_PROPERTY, value: job.instance }] },
    expireTime,
  };
}
