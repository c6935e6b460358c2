import type { BuildKind } from "../location/paths.ts";
import { instanceOf, type Row } from "../operations/row.ts";
import { type Look, lookOf } from "../ui/standing.ts";
import { type Counts, endedOf, liveOf, noCounts } from "./figures.ts";

/** One build among others, as far as the rows that are known tell. Times are milliseconds since the epoch. */
export interface Build {
  readonly id: string;
  readonly tool: string;
  readonly toolVersion: string;
  readonly actor: string;
  /** The group that it belongs to; "" for none. */
  readonly correlated: string;
  /** The instance of its first operation. */
  readonly instance: string;
  readonly counts: Counts;
  readonly total: number;
  readonly beganAt: number | undefined;
  readonly movedAt: number | undefined;
}

interface Growing extends Build {
  counts: Record<Look, number>;
  total: number;
  beganAt: number | undefined;
  movedAt: number | undefined;
}

/** The builds that rows are of, the latest begun first. Rows that name none are left out. */
export function buildsOf(rows: readonly Row[], kind: BuildKind = "invocation"): Build[] {
  const builds = new Map<string, Growing>();
  for (const row of rows) {
    const id = kind === "invocation" ? row.invocation : row.correlated;
    if (id === "") continue;
    const build = builds.get(id) ?? newBuild(id, row);
    if (build.total === 0) builds.set(id, build);
    build.total += 1;
    build.counts[lookOf(row)] += 1;
    build.beganAt = earlier(build.beganAt, row.queuedAt);
    build.movedAt = later(build.movedAt, row.completedAt ?? row.startedAt ?? row.queuedAt);
  }
  return [...builds.values()].sort((a, b) => (b.beganAt ?? 0) - (a.beganAt ?? 0) || (a.id < b.id ? -1 : 1));
}

function newBuild(id: string, row: Row): Growing {
  const { tool, toolVersion, actor, correlated, name } = row;
  const known = { id, tool, toolVersion, actor, correlated, instance: instanceOf(name) };
  return { ...known, counts: noCounts(), total: 0, beganAt: undefined, movedAt: undefined };
}

const earlier = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
const later = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);

/** The instances of some rows, in order: what is asked of each apart. */
export function instancesOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.map(({ name }) => instanceOf(name)))].sort();
}

/** A tool sends the next operations a moment after the last ones ended: for so long a build counts as running. */
const BETWEEN_MS = 5000;

/** Whether a build goes on: something lives, or just ended. */
export function isRunning(counts: Counts, movedAt: number | undefined, now: number): boolean {
  return liveOf(counts) > 0 || (movedAt !== undefined && now - movedAt < BETWEEN_MS);
}

/** How long a build took, or has so far, in milliseconds. */
export function tookMs({ beganAt, movedAt, counts }: Pick<Build, "beganAt" | "movedAt" | "counts">, now: number) {
  if (beganAt === undefined) return undefined;
  return Math.max(0, (liveOf(counts) > 0 ? Math.max(now, movedAt ?? now) : (movedAt ?? now)) - beganAt);
}

/** Which part of a build has ended, in percent. */
export function percentEnded(counts: Counts, total: number): number {
  return total === 0 ? 0 : Math.floor((100 * endedOf(counts)) / total);
}
