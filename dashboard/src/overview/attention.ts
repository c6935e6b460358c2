import type { Figures, PlatformQueue, Worker } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { instanceWords } from "../format/instance.ts";
import { plural } from "../format/number.ts";
import { propertiesText } from "../format/properties.ts";
import { tickingText } from "../format/time.ts";
import { ALL_INSTANCES, operationsPath, workersPath } from "../location/paths.ts";
import { withTerm } from "../operations/filter-text.ts";
import type { Row } from "../operations/row.ts";
import { isStuck, oldestWaitMs, platformFilter, sortedPlatforms, whyUnserved } from "../workers/platform-list.ts";
import { isAvailable, stateOf } from "../workers/worker-list.ts";
import { percentText } from "./figure-text.ts";
import { failureRate } from "./figures.ts";
import { failureFilter, type Window } from "./windows.ts";

/** Something that somebody should look at. */
export interface Concern {
  readonly key: string;
  readonly grave: boolean;
  readonly title: string;
  readonly detail: string;
  /** Where there is more of it. */
  readonly path: string;
}

/** What concerns are found in. */
export interface Situation {
  readonly instance: string;
  readonly platforms: readonly PlatformQueue[];
  /** How old the platforms are. */
  readonly ageMs: number;
  /** None as long as they are not known. */
  readonly workers: readonly Worker[] | undefined;
  readonly window: Window;
  /** The figures of the window. */
  readonly total: Figures | undefined;
  /** The latest of the window. */
  readonly failures: readonly Row[];
}

const MOST_OF_A_KIND = 4;
/** Waiting for less is nothing to look into. */
const LONG_WAIT_MS = 60_000;
/** So many failures on one worker that are no exit code are hardly the fault of the actions. */
const MANY_FAILURES = 3;
const HIGH_RATE = 0.5;

/** What needs attention, the gravest first. */
export function concernsOf(situation: Situation): readonly Concern[] {
  return [stuckPlatforms, failingJobs, longestWait, failingWorkers, unavailableWorkers].flatMap((find) =>
    find(situation),
  );
}

/** Where everything is shown, the same can be in several instances. */
function whereText({ instance }: Situation, instanceName: string): string {
  return instance === ALL_INSTANCES ? `, in ${instanceWords(instanceName)}` : "";
}

function stuckPlatforms(situation: Situation): Concern[] {
  const { platforms, workers, instance } = situation;
  const stuck = sortedPlatforms(platforms).filter(isStuck);
  const concerns = stuck.slice(0, MOST_OF_A_KIND).map((platform): Concern => {
    const { queuedCount, properties, instanceName } = platform;
    const waiting = Number(queuedCount);
    return {
      key: `stuck ${instanceName} ${propertiesText(properties)}`,
      grave: true,
      title: `${plural(waiting, "job")} that nobody can take`,
      detail: `${whyUnserved(platform, workers)}${whereText(situation, instanceName)}`,
      path: operationsPath(instanceName, platformFilter(properties, "QUEUED")),
    };
  });
  const more = stuck.length - MOST_OF_A_KIND;
  if (more <= 0) return concerns;
  const title = `${plural(more, "more platform")} that nobody serves`;
  return [...concerns, { key: "stuck", grave: true, title, detail: "", path: workersPath(instance) }];
}

function failingJobs({ total, window, instance }: Situation): Concern[] {
  const rate = total ? (failureRate(total) ?? 0) : 0;
  if (!total || rate < HIGH_RATE || total.failedCount < MANY_FAILURES) return [];
  const title = `${percentText(rate)} of the jobs failed`;
  const detail = `${plural(Number(total.failedCount), "job")} in the last ${window.words}`;
  return [{ key: "failed", grave: true, title, detail, path: operationsPath(instance, failureFilter(window)) }];
}

/** The longest wait for workers that are there. */
function longestWait(situation: Situation): Concern[] {
  const { platforms, ageMs } = situation;
  const waits = platforms
    .filter((platform) => platform.served)
    .map((platform) => ({ platform, wait: oldestWaitMs(platform, ageMs) ?? 0 }));
  const longest = waits.sort((a, b) => b.wait - a.wait)[0];
  if (!longest || longest.wait < LONG_WAIT_MS) return [];
  const { properties, instanceName, queuedCount } = longest.platform;
  const title = `A job has waited for ${tickingText(longest.wait)}`;
  const what = propertiesText(properties) || "any worker";
  const detail = `${plural(Number(queuedCount), "job")} for ${what}${whereText(situation, instanceName)}`;
  return [
    {
      key: "wait",
      grave: false,
      title,
      detail,
      path: operationsPath(instanceName, platformFilter(properties, "QUEUED")),
    },
  ];
}

function failingWorkers({ failures, instance }: Situation): Concern[] {
  const counts = new Map<string, number>();
  for (const { worker, errorCode } of failures) {
    if (worker !== "" && errorCode !== 0) counts.set(worker, (counts.get(worker) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count >= MANY_FAILURES)
    .sort(([, a], [, b]) => b - a)
    .slice(0, MOST_OF_A_KIND)
    .map(([worker, count]) => ({
      key: `failing ${worker}`,
      grave: true,
      title: `${worker} fails`,
      detail: `${plural(count, "job")} of late, other than by an exit code`,
      path: operationsPath(instance, withTerm("error.code:*", "worker", worker)),
    }));
}

function unavailableWorkers({ workers, instance }: Situation): Concern[] {
  if (workers?.length === 0) {
    const detail = "Jobs wait until one does";
    return [{ key: "none", grave: true, title: "No worker serves this", detail, path: workersPath(instance) }];
  }
  const unfit = (workers ?? []).filter((worker) => !isAvailable(worker));
  if (unfit.length === 0) return [];
  const names = unfit.slice(0, 3).map((worker) => `${worker.botId} (${stateOf(worker)})`);
  const rest = unfit.length - names.length;
  return [
    {
      key: "unavailable",
      grave: false,
      title: `${plural(unfit.length, "worker")} ${unfit.length === 1 ? "takes" : "take"} no work`,
      detail: `${names.join(", ")}${rest > 0 ? ` and ${plural(rest, "other")}` : ""}`,
      path: workersPath(instance, "unavailable"),
    },
  ];
}
