import { randomInt } from "node:crypto";
import type { FigureRecord } from "../store/store.ts";
import { encodeCounts, SLOTS } from "./figure-counts.ts";

/** The length of what is counted together. */
export const MINUTE_MS = 60_000;

/** A record that is to be saved. */
export interface Unsaved {
  readonly record: FigureRecord;
  /** It is in the store now, as it is here. */
  saved(): void;
}

/** What this process counts, until it is saved. */
export interface Tally {
  /** Adds one to a slot of the minute of a time. */
  add(instance: string, now: number, slot: number): void;
  /** What is not in the store as it is here; the oldest first. */
  unsaved(): Unsaved[];
  /** All that is here of an instance, saved or not. */
  recordsOf(instance: string): FigureRecord[];
  /** How many records were dropped because too many could not be saved. */
  readonly dropped: number;
  /** How many records there are. */
  readonly size: number;
}

/** Minutes that could not be saved yet, of all instances: some 3 MB. */
const MOST_CLOSED = 10_000;

const LARGEST_PART = 2 ** 47;

/** The minute in which an instance is counted now. */
interface OpenMinute {
  readonly instance: string;
  readonly minute: number;
  readonly part: number;
  readonly counts: Uint32Array;
  additions: number;
  /** Of the additions, how many are in the store. */
  saved: number;
}

/*
 * Counts are saved as they are, not as what came to them: so a save of which nobody knows whether it happened is simply
 * done again. For that each process has a part of its own of each minute that it opens, a clock that went back included.
 */

/** Makes an empty tally. */
export function createTally(): Tally {
  const open = new Map<string, OpenMinute>();
  const closed = new Set<FigureRecord>();
  let dropped = 0;

  function close(old: OpenMinute): void {
    if (old.saved === old.additions) return;
    closed.add(recordOf(old));
    if (closed.size <= MOST_CLOSED) return;
    for (const oldest of closed) {
      closed.delete(oldest);
      break;
    }
    dropped += 1;
  }

  function begin(instance: string, minute: number, before: OpenMinute | undefined): OpenMinute {
    if (before) close(before);
    const part = randomInt(1, LARGEST_PART);
    const fresh = { instance, minute, part, counts: new Uint32Array(SLOTS), additions: 0, saved: 0 };
    open.set(instance, fresh);
    return fresh;
  }

  return {
    add: (instance, now, slot) => {
      const minute = Math.floor(now / MINUTE_MS);
      const known = open.get(instance);
      const current = known?.minute === minute ? known : begin(instance, minute, known);
      current.counts[slot] = (current.counts[slot] ?? 0) + 1;
      current.additions += 1;
    },
    unsaved: () => {
      const ended = [...closed].map((record) => ({ record, saved: () => void closed.delete(record) }));
      const changed = [...open.values()].filter(({ saved, additions }) => saved < additions);
      return [...ended, ...changed.map(unsavedOf)];
    },
    recordsOf: (instance) => {
      const ended = [...closed].filter((record) => record.instance === instance);
      const current = open.get(instance);
      return current ? [...ended, recordOf(current)] : ended;
    },
    get dropped() {
      return dropped;
    },
    get size() {
      return closed.size + open.size;
    },
  };
}

function recordOf({ instance, minute, part, counts }: OpenMinute): FigureRecord {
  return { instance, minute, part, counts: encodeCounts(counts) };
}

function unsavedOf(current: OpenMinute): Unsaved {
  const { additions } = current;
  return {
    record: recordOf(current),
    saved: () => {
      current.saved = additions;
    },
  };
}
