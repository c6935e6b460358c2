import { BotStatus } from "../../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import type { Worker } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { propertiesText } from "../format/properties.ts";

/** How a worker is. Those that are `idle`, `busy` (with room) or `full` are healthy. */
export type WorkerState = "idle" | "busy" | "full" | "unhealthy" | "rebooting" | "leaving" | "starting" | "unknown";

/** What a list of workers is ordered by. */
export const WORKER_SORTS = ["status", "busy", "name", "seen"] as const;
/** One of them. */
export type WorkerSort = (typeof WORKER_SORTS)[number];

const STATES: Partial<Record<BotStatus, WorkerState>> = {
  [BotStatus.UNHEALTHY]: "unhealthy",
  [BotStatus.HOST_REBOOTING]: "rebooting",
  [BotStatus.BOT_TERMINATING]: "leaving",
  [BotStatus.INITIALIZING]: "starting",
};

/** How many jobs a worker runs, those of other instances too. */
export function jobsOf({ leases, otherLeaseCount }: Worker): number {
  return leases.length + otherLeaseCount;
}

/** How a worker is. */
export function stateOf(worker: Worker): WorkerState {
  if (worker.status !== BotStatus.OK) return STATES[worker.status] ?? "unknown";
  const jobs = jobsOf(worker);
  if (jobs === 0) return "idle";
  return jobs >= worker.capacity ? "full" : "busy";
}

/** Whether a worker gets work. */
export function isAvailable({ status }: Worker): boolean {
  return status === BotStatus.OK;
}

/** What the words of a search are looked for in, in lower case. */
function searched(worker: Worker): string {
  const { botId, sessionName, instanceName, properties, leases } = worker;
  const state = isAvailable(worker) ? stateOf(worker) : `${stateOf(worker)} unavailable`;
  const serves = instanceName === "*" ? "all instances" : instanceName;
  const names = leases.flatMap(({ operationNames }) => operationNames);
  return [botId, sessionName, serves, state, propertiesText(properties), ...names].join("\n").toLowerCase();
}

/** The workers that have all words of a search in their name, session, instance, state, properties or work. */
export function matching(workers: readonly Worker[], words: string): readonly Worker[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return workers;
  return workers.filter((worker) => {
    const text = searched(worker);
    return wanted.every((word) => text.includes(word));
  });
}

const names = new Intl.Collator("en", { numeric: true });
const byName = (a: Worker, b: Worker) =>
  names.compare(a.botId, b.botId) || (a.sessionName < b.sessionName ? -1 : Number(a.sessionName > b.sessionName));
const fullness = (worker: Worker) => jobsOf(worker) / Math.max(1, worker.capacity);
const seenAt = ({ updateTime }: Worker) => updateTime?.seconds ?? 0n;

const ORDERS: Record<WorkerSort, (a: Worker, b: Worker) => number> = {
  name: () => 0,
  // Work comes and goes: a row that moved with it could not be read.
  status: (a, b) => Number(isAvailable(a)) - Number(isAvailable(b)),
  busy: (a, b) => fullness(b) - fullness(a) || jobsOf(b) - jobsOf(a),
  seen: (a, b) => Number(seenAt(a) - seenAt(b)),
};

/** In order: those that get no work, the fullest, or those not heard of for longest come first; equals go by name. */
export function sorted(workers: readonly Worker[], sort: WorkerSort): readonly Worker[] {
  return workers.toSorted((a, b) => ORDERS[sort](a, b) || byName(a, b));
}

/** Counts over workers. */
export interface WorkerTotals {
  readonly idle: number;
  /** With some work. */
  readonly busy: number;
  readonly unavailable: number;
  readonly jobs: number;
  /** How many jobs the healthy ones can run. */
  readonly capacity: number;
}

/** Counts workers, and what they run. */
export function totalsOf(workers: readonly Worker[]): WorkerTotals {
  const totals = { idle: 0, busy: 0, unavailable: 0, jobs: 0, capacity: 0 };
  for (const worker of workers) {
    const jobs = jobsOf(worker);
    totals.jobs += jobs;
    if (!isAvailable(worker)) totals.unavailable += 1;
    else {
      totals.capacity += worker.capacity;
      if (jobs === 0) totals.idle += 1;
      else totals.busy += 1;
    }
  }
  return totals;
}
