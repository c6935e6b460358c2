import type { PlatformQueue, Worker } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { instanceWords } from "../format/instance.ts";
import { type Property, propertiesText } from "../format/properties.ts";
import { durationOf } from "../format/time.ts";
import { withTerm } from "../operations/filter-text.ts";

/** Whether jobs wait that no worker will take as things are. */
export function isStuck({ served, queuedCount }: PlatformQueue): boolean {
  return !served && queuedCount > 0n;
}

/** What nobody serves first, then by how much waits and runs. */
export function sortedPlatforms(platforms: readonly PlatformQueue[]): readonly PlatformQueue[] {
  return platforms.toSorted(
    (a, b) =>
      Number(isStuck(b)) - Number(isStuck(a)) ||
      Number(b.queuedCount - a.queuedCount) ||
      Number(b.executingCount - a.executingCount),
  );
}

/** The operations whose jobs require these properties, and perhaps more, in a stage. */
export function platformFilter(properties: readonly Property[], stage: "QUEUED" | "EXECUTING"): string {
  const required = properties.reduce((filter, { name, value }) => withTerm(filter, "platform", `${name}:${value}`), "");
  return withTerm(required, "stage", stage);
}

/** How long the job that has waited longest has waited, so many milliseconds after the answer came. */
export function oldestWaitMs({ oldestWait }: PlatformQueue, ageMs: number): number | undefined {
  const wait = durationOf(oldestWait);
  return wait === undefined ? undefined : wait + Math.max(0, ageMs);
}

const LONGEST = 48;

/** Properties in a sentence: an image with its digest would hide what the sentence says. */
function named(properties: readonly Property[]): string {
  return propertiesText(
    properties.map(({ name, value }) => ({
      name,
      value: value.length <= LONGEST ? value : `${value.slice(0, LONGEST)}…`,
    })),
  );
}

function offers(worker: Worker, required: Property): boolean {
  return worker.properties.some(
    ({ name, value }) => name === required.name && (value === required.value || value === "*"),
  );
}

/** Why nobody serves a platform, given all workers if they are known. The server matches in the same way. */
export function whyUnserved(platform: PlatformQueue, workers: readonly Worker[] | undefined): string {
  const { instanceName, properties, unavailableWorkerCount: unavailable } = platform;
  if (unavailable > 0) {
    return unavailable === 1
      ? "The only worker that fits is unhealthy or leaving"
      : `All ${unavailable} workers that fit are unhealthy or leaving`;
  }
  if (!workers) return "No worker fits";
  const serving = workers.filter((worker) => worker.instanceName === "*" || worker.instanceName === instanceName);
  if (serving.length === 0) return `No worker serves ${instanceWords(instanceName)}`;
  const missing = properties.filter((required) => !serving.some((worker) => offers(worker, required)));
  if (missing.length > 0) return `No worker offers ${named(missing)}`;
  return `No worker offers all of ${named(properties)}; each alone is offered`;
}
