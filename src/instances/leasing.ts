import type { Digest } from "../base/digests.ts";
import { StatusError } from "../base/errors.ts";
import type { Cas } from "../cas/cas.ts";
import { formatOperationName, type JobRecord } from "../operations/operations.ts";
import type { BotReport, PollOptions, Scheduler, SessionReply } from "../scheduler/scheduler.ts";

/** One lease as a bot gets it. */
export interface LeaseOffer {
  readonly job: JobRecord;
  /** The encoded Action, or undefined when it is no longer in the CAS: then the bot gets its digest only. */
  readonly action: Uint8Array | undefined;
}

/** What a bot is told, its leases with what they are to do. */
export interface BotReply extends Omit<SessionReply, "leases"> {
  readonly leases: readonly LeaseOffer[];
}

/** The bots of one instance (or of all, for the instance `*`). */
export interface Leasing {
  open(report: BotReport): Promise<BotReply>;
  /** `id` is the last part of the session's name. */
  update(id: string, report: BotReport, poll: PollOptions): Promise<BotReply>;
}

const LARGEST_ACTION_BYTES = 1 << 20;

/** Makes the leasing of one instance. `casOf` finds the CAS of the instance that a job belongs to. */
export function createLeasing(
  instance: string,
  deps: { scheduler: Scheduler; casOf: (instance: string) => Cas | undefined },
): Leasing {
  async function offer(job: JobRecord): Promise<LeaseOffer> {
    return { job, action: await actionBytes(deps.casOf(job.instance), job.action) };
  }

  async function withActions(reply: SessionReply): Promise<BotReply> {
    return { ...reply, leases: await Promise.all(reply.leases.map(offer)) };
  }

  return {
    open: async (report) => withActions(await deps.scheduler.openSession(instance, report)),
    update: async (id, report, poll) =>
      withActions(await deps.scheduler.updateSession(formatOperationName(instance, id), report, poll)),
  };
}

async function actionBytes(cas: Cas | undefined, action: Digest): Promise<Uint8Array | undefined> {
  try {
    return await cas?.readAll(action, LARGEST_ACTION_BYTES);
  } catch (error) {
    // Gone from the CAS: the bot will find that out by the digest and say it in the way that REAPI wants.
    if (error instanceof StatusError) return undefined;
    throw error;
  }
}
