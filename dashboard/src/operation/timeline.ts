import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { ExecutedActionMetadata } from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { msOf } from "../format/time.ts";

/** What an action spends its time on; `worker` is all from its start to its end. */
export type PhaseName = "queue" | "fetch" | "execution" | "upload" | "worker";

/** A phase, in milliseconds since the epoch. */
export interface Phase {
  readonly name: PhaseName;
  readonly title: string;
  readonly from: number;
  readonly to: number;
  /** Whether it has not ended. */
  readonly running: boolean;
}

/** A moment that was noted. */
export interface Moment {
  readonly title: string;
  readonly at: number;
  /** Since the one before, in milliseconds; undefined for the first. Below 0 where clocks differ. */
  readonly since: number | undefined;
}

/** The life of an action. */
export interface Timeline {
  /** In the order in which they happen. */
  readonly phases: readonly Phase[];
  readonly moments: readonly Moment[];
  /** The ends of all phases; the same without any. */
  readonly from: number;
  readonly to: number;
  /** Whether the times contradict each other, as those of different clocks do. */
  readonly odd: boolean;
}

const MOMENTS = [
  ["Queued", "queuedTimestamp"],
  ["Worker started", "workerStartTimestamp"],
  ["Input fetch started", "inputFetchStartTimestamp"],
  ["Input fetch completed", "inputFetchCompletedTimestamp"],
  ["Execution started", "executionStartTimestamp"],
  ["Execution completed", "executionCompletedTimestamp"],
  ["Output upload started", "outputUploadStartTimestamp"],
  ["Output upload completed", "outputUploadCompletedTimestamp"],
  ["Worker completed", "workerCompletedTimestamp"],
] as const;

/** Times before 1990 or after 2200 are no times of actions: zero, and units taken for others. */
const EARLIEST = Date.UTC(1990, 0);
const LATEST = Date.UTC(2200, 0);

function plausible(timestamp: Timestamp | undefined): number | undefined {
  const ms = msOf(timestamp);
  return ms !== undefined && ms >= EARLIEST && ms <= LATEST ? ms : undefined;
}

/** Of what is known of the times. `now` ends the phase that runs; undefined when the operation has ended. */
export function timelineOf(times: ExecutedActionMetadata | undefined, now: number | undefined): Timeline {
  const known = MOMENTS.map(([title, field]) => ({ title, field, at: plausible(times?.[field]) }));
  const at = Object.fromEntries(known.map(({ field, at }) => [field, at])) as Partial<
    Record<(typeof MOMENTS)[number][1], number>
  >;
  const phase = (name: PhaseName, title: string, from: number | undefined, to: number | undefined): Phase[] => {
    const end = to ?? now;
    if (from === undefined || end === undefined) return [];
    return [{ name, title, from, to: Math.max(from, end), running: to === undefined }];
  };
  const steps = [
    ...phase("fetch", "Input fetch", at.inputFetchStartTimestamp, at.inputFetchCompletedTimestamp),
    ...phase("execution", "Execution", at.executionStartTimestamp, at.executionCompletedTimestamp),
    ...phase("upload", "Output upload", at.outputUploadStartTimestamp, at.outputUploadCompletedTimestamp),
  ];
  const phases = [
    ...phase("queue", "Queue", at.queuedTimestamp, at.workerStartTimestamp),
    ...phase("worker", "Worker in all", at.workerStartTimestamp, at.workerCompletedTimestamp),
    ...steps,
  ];
  const ends = phases.flatMap(({ from, to }) => [from, to]);
  const moments = known.flatMap(({ title, at }) => (at === undefined ? [] : [{ title, at }]));
  const since = (index: number) => {
    const before = moments[index - 1];
    return before && (moments[index]?.at ?? 0) - before.at;
  };
  return {
    phases,
    moments: moments.map((moment, index) => ({ ...moment, since: since(index) })),
    from: ends.length > 0 ? Math.min(...ends) : 0,
    to: ends.length > 0 ? Math.max(...ends) : 0,
    odd:
      moments.some((_, index) => (since(index) ?? 0) < 0) ||
      known.some(({ field, at }) => !at && isSet(times?.[field])),
  };
}

function isSet(timestamp: Timestamp | undefined): boolean {
  return timestamp !== undefined;
}

/** Where a phase is on a bar, in percent; a phase too short to be seen is a little wider. */
export function placeOnBar({ from, to }: Timeline, phase: Phase): { readonly left: number; readonly width: number } {
  const whole = to - from;
  if (whole <= 0) return { left: 0, width: 100 };
  const width = Math.max(0.4, (100 * (phase.to - phase.from)) / whole);
  return { left: Math.min(100 - width, (100 * (phase.from - from)) / whole), width };
}
