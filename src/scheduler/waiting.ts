import { BotStatus } from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import type { PlatformProperty } from "../operations/operations.ts";
import type { BotKind } from "../store/store.ts";
import { fits } from "./platforms.ts";

/** Bots that fit some requirements. */
export interface FittingBots {
  /** Healthy, with room for another job. */
  readonly idle: number;
  /** Healthy, without room. */
  readonly busy: number;
  /** Those that take no work because of their status. */
  readonly unavailable: number;
}

/** Why a job is still queued. */
export type WaitReason = "no-matching-worker" | "workers-unavailable" | "behind-others" | "workers-busy" | "starting";

/** A reason, for programs and in words. */
export interface Wait {
  readonly reason: WaitReason;
  readonly text: string;
}

/** Jobs before a queued one are counted up to this many. */
export const POSITION_LIMIT = 300;

/** Counts the bots that may run jobs of an instance with these requirements. */
export function fittingBots(
  kinds: readonly BotKind[],
  instance: string,
  requirements: readonly PlatformProperty[],
): FittingBots {
  let [idle, busy, unavailable] = [0, 0, 0];
  for (const kind of kinds) {
    if (!fits(kind, instance, requirements)) continue;
    if (kind.status !== BotStatus.OK) unavailable += kind.idle + kind.busy;
    else {
      idle += kind.idle;
      busy += kind.busy;
    }
  }
  return { idle, busy, unavailable };
}

/** Why a queued job waits, with `ahead` others of its platform before it: the first reason that holds. */
export function whyWaiting(
  job: { readonly instance: string; readonly platform: readonly PlatformProperty[] },
  kinds: readonly BotKind[],
  ahead: number,
): Wait {
  const { idle, busy, unavailable } = fittingBots(kinds, job.instance, job.platform);
  if (idle + busy + unavailable === 0) {
    return { reason: "no-matching-worker", text: whatIsMissing(job.instance, job.platform, kinds) };
  }
  if (idle + busy === 0) {
    const text = `${countOf(unavailable, "matching bot")} ${verb(unavailable)} unhealthy or leaving`;
    return { reason: "workers-unavailable", text };
  }
  if (ahead > 0) {
    const count = ahead >= POSITION_LIMIT ? `${POSITION_LIMIT} or more` : ahead;
    return { reason: "behind-others", text: `${count} ahead in the queue` };
  }
  if (idle === 0) return { reason: "workers-busy", text: `${countOf(busy, "matching bot")} ${verb(busy)} busy` };
  return { reason: "starting", text: "next in the queue, and a matching bot has room" };
}

function whatIsMissing(instance: string, requirements: readonly PlatformProperty[], kinds: readonly BotKind[]): string {
  if (kinds.length === 0) return `no bot serves ${instance === "" ? "the nameless instance" : instance}`;
  const list = (properties: readonly PlatformProperty[]) =>
    properties.map(({ name, value }) => `${name}=${value}`).join(", ");
  const missing = requirements.filter((required) => !kinds.some((kind) => fits(kind, instance, [required])));
  return missing.length > 0 ? `no bot offers ${list(missing)}` : `no bot offers all of ${list(requirements)}`;
}

function countOf(count: number, what: string): string {
  return count === 1 ? `the only ${what}` : `all ${count} ${what}s`;
}

function verb(count: number): string {
  return count === 1 ? "is" : "are";
}
