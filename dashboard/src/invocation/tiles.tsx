import { countText, plural, shareText } from "../format/number.ts";
import { durationText } from "../format/time.ts";
import { percentEnded } from "./builds.ts";
import type { Figures } from "./figures.ts";
import { executionMs, type Lane } from "./lanes.ts";

interface TilesProps {
  readonly figures: Figures;
  readonly lanes: readonly Lane[];
  /** How long the build has taken, in milliseconds. */
  readonly took: number;
  readonly now: number;
}

/** The figures of a build that people compare. */
export function Tiles({ figures, lanes, took, now }: TilesProps) {
  const { counts, total, waits, slowest } = figures;
  const ran = executionMs(lanes, now);
  const answered = counts.succeeded + counts.cached + counts.failed;
  const tiles = [
    ["Done", `${percentEnded(counts, total)} %`, `of ${countText(total)}`],
    ["Cache hits", shareText(counts.cached, answered), `${countText(counts.cached)} of ${countText(answered)}`],
    ["Execution time", durationText(ran), "all workers together"],
    ["Parallelism", took === 0 ? "–" : `${(ran / took).toFixed(1)}×`, `on ${plural(lanes.length, "worker")}`],
    ["Wait p50", waits ? durationText(waits.p50) : "–", "for a worker"],
    ["Wait p95", waits ? durationText(waits.p95) : "–", "for a worker"],
    ["Slowest", slowest[0] ? durationText(slowest[0].ms) : "–", slowest[0]?.row.mnemonic || "action"],
  ] as const;
  return (
    <dl className="tiles">
      {tiles.map(([title, value, note]) => (
        <div key={title}>
          <dt>{title}</dt>
          <dd>
            <span className="tile-value">{value}</span>
            <span className="tile-note">{note}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}
