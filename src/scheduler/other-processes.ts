import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { ChangePosition, News, SharedStore, Store } from "../store/store.ts";
import type { IdleBots } from "./idle-bots.ts";
import { pause } from "./pause.ts";
import type { Platforms } from "./platforms.ts";
import { createTopics, type Topics } from "./topics.ts";

/** News of what other processes do to the same store. */
export interface OtherProcesses {
  stop(): Promise<void>;
}

const TICK_MS = 60_000;
const RETRY_MS = 1000;

/** Under a stream of changes they are read this often: who waits elsewhere is told soon enough, and reads are few. */
const PACE_MS = 20;
const MOST_AT_ONCE = 1000;

/** The topic of `heard`: all changes. */
const CHANGES = "changes";

/** Wakes who waits here for what happens elsewhere: streams whose operation changes, and bots when a job is queued. */
export function followOtherProcesses(deps: {
  store: Store;
  shared: SharedStore;
  topics: Topics;
  idleBots: IdleBots;
  platforms: Platforms;
  clock: Clock;
  log: Logger;
}): OtherProcesses {
  const { store, shared, topics, idleBots, platforms, clock, log } = deps;
  const stopping = new AbortController();
  const heard = createTopics(clock);
  const unlisten = store.onChange(() => heard.publish(CHANGES));
  const changes = heard.subscribe(CHANGES);
  let position: ChangePosition | undefined;
  let readAt = Number.NEGATIVE_INFINITY;

  async function take({ jobs, queued, position: next }: News): Promise<void> {
    for (const jobId of jobs) topics.publish(jobId);
    for (const platformId of queued.values()) {
      const platform = await platforms.get(platformId);
      if (platform) idleBots.jobQueued(platform.instance, platform.properties);
    }
    position = next;
  }

  /** Whatever happened before: all look for themselves, after the position that is read on from. */
  async function begin(): Promise<ChangePosition> {
    const begun = await store.changePosition();
    topics.publishAll();
    return begun;
  }

  async function follow(): Promise<void> {
    position ??= await begin();
    readAt = clock.monotonic();
    const news = await shared.newsAfter(position, MOST_AT_ONCE);
    if (news) await take(news);
    else position = undefined;
    if (!news || news.more) return;
    await changes.next(stopping.signal, TICK_MS);
    await pause(clock, Math.max(0, readAt + PACE_MS - clock.monotonic()), stopping.signal);
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
    unlisten();
  }

  const running = run();
  return {
    stop: () => {
      stopping.abort();
      return running;
    },
  };
}
