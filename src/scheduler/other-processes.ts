import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { type OperationRecord, Stage } from "../operations/operations.ts";
import type { ChangePage, ChangePosition } from "../store/store.ts";
import type { ChangeFeed } from "./change-feed.ts";
import type { IdleBots } from "./idle-bots.ts";
import { pause } from "./pause.ts";
import type { Topics } from "./topics.ts";

/** News of what other processes do to the same store. */
export interface OtherProcesses {
  /** Says that this process has told its bots of a queued job: it is no news. */
  knowQueued(jobId: string): void;
  stop(): Promise<void>;
}

const TICK_MS = 60_000;
const RETRY_MS = 1000;
const MOST_KNOWN = 10_000;

/**
 * Wakes who waits here for what happens elsewhere: streams whose operation changes, and bots when a job is queued. What
 * this process itself does comes along as well, and wakes nobody to whom it is news.
 */
export function followOtherProcesses(deps: {
  changes: ChangeFeed;
  topics: Topics;
  idleBots: IdleBots;
  clock: Clock;
  log: Logger;
}): OtherProcesses {
  const { changes, topics, idleBots, clock, log } = deps;
  const stopping = new AbortController();
  const known = new Set<string>();
  let position: ChangePosition | undefined;

  function take(operation: OperationRecord): void {
    const { job } = operation;
    topics.publish(job.id);
    if (!known.delete(job.id) && job.stage === Stage.QUEUED) idleBots.jobQueued(job.instance, job.platform);
  }

  function takeAll({ changes: all, position: next }: ChangePage): void {
    position = next;
    for (const change of all) if (change.kind === "changed") take(change.operation);
  }

  /** Whatever happened: all look for themselves. */
  function loseTrack(): void {
    position = undefined;
    known.clear();
    topics.publishAll();
  }

  async function follow(): Promise<void> {
    position ??= await changes.position();
    const page = await changes.next(position, stopping.signal, TICK_MS);
    if (page === "lost") loseTrack();
    else if (typeof page !== "string") takeAll(page);
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await follow();
      } catch (error) {
        log.warn({ err: error }, "cannot read what other processes do; trying again");
        await pause(clock, RETRY_MS, stopping.signal);
      }
    }
  }

  const running = run();
  return {
    knowQueued: (jobId) => {
      // Jobs that are forgotten before they are read of stay in here; to wake a bot in vain costs little.
      if (known.size >= MOST_KNOWN) known.clear();
      known.add(jobId);
    },
    stop: () => {
      stopping.abort();
      return running;
    },
  };
}
