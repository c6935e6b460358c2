import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Watch } from "../../dashboard/src/operations/feed.ts";
import type { FeedPage } from "../../dashboard/src/operations/feed-page.ts";
import { WatchOperationsResponseSchema } from "../../gen/opgrid/v1/opgrid_pb.ts";
import { type FakeClock, fakeClock } from "../helpers/fake-clock.ts";

type News = MessageInitShape<typeof WatchOperationsResponseSchema>;

/** One call that a feed made, answered by the test. */
export interface ScriptedCall {
  readonly filter: string;
  readonly resumeToken: string;
  readonly isAborted: () => boolean;
  send(news: News): Promise<void>;
  /** Ends the stream, with an error unless there is none. */
  end(code?: Code): Promise<void>;
}

/** A server of which the test says what it answers; `calls` are those that were made, in order. */
export function scriptedWatch(): { watch: Watch; calls: ScriptedCall[] } {
  const calls: ScriptedCall[] = [];
  const watch: Watch = ({ filter, resumeToken }, { signal }) => {
    const pipe = createPipe(signal);
    calls.push({
      ...{ filter, resumeToken, isAborted: () => signal.aborted },
      send: (news) => pipe.put({ news }),
      end: (code) => pipe.put({ error: code === undefined ? undefined : new ConnectError("as scripted", code) }),
    });
    return pipe.stream();
  };
  return { watch, calls };
}

type Step = { readonly news: News } | { readonly error: unknown };

function createPipe(signal: AbortSignal) {
  const steps: Step[] = [];
  let coming = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => coming.resolve());
  async function* stream() {
    for (;;) {
      if (steps.length === 0) await coming.promise;
      if (signal.aborted) throw new ConnectError("aborted", Code.Canceled);
      coming = Promise.withResolvers<void>();
      const step = steps.shift();
      if (!step) continue;
      if ("news" in step) yield create(WatchOperationsResponseSchema, step.news);
      else if (step.error === undefined) return;
      else throw step.error;
    }
  }
  const put = async (step: Step) => {
    steps.push(step);
    coming.resolve();
    await settled();
  };
  return { stream, put };
}

/** Lets what was started come to rest. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A page whose time and sight are the test's. */
export interface ScriptedPage extends FeedPage {
  readonly clock: FakeClock;
  /** Hides it or shows it. */
  show(visible: boolean): Promise<void>;
  /** How many listen to it. */
  listeners(): number;
}

/** A page in sight, unless told otherwise, where chance is always in the middle. */
export function scriptedPage(visible = true): ScriptedPage {
  const clock = fakeClock();
  const listeners = new Set<() => void>();
  let isVisible = visible;
  return {
    clock,
    isHidden: () => !isVisible,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    ...{ now: clock.now, after: clock.after, turn: settled, random: () => 0.5 },
    show: async (visible) => {
      isVisible = visible;
      for (const listener of listeners) listener();
      await settled();
    },
    listeners: () => listeners.size,
  };
}
