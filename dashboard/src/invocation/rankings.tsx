import { Link } from "wouter";
import { countText, plural } from "../format/number.ts";
import { durationText } from "../format/time.ts";
import { operationsPath } from "../location/paths.ts";
import { filterValue } from "../operations/filter-text.ts";
import { OperationLink } from "../ui/operation-link.tsx";
import { StandingBadge } from "../ui/stage.tsx";
import { lookOf } from "../ui/standing.ts";
import type { Ranked } from "./figures.ts";
import { executionMs, type Lane } from "./lanes.ts";

interface RankingProps {
  readonly title: string;
  readonly ranked: readonly Ranked[];
  /** What the column of durations is called. */
  readonly column: string;
}

/** Operations by how long they ran or waited, with bars. */
export function Ranking({ title, ranked, column }: RankingProps) {
  const longest = ranked[0]?.ms ?? 1;
  if (ranked.length === 0) return null;
  return (
    <section className="card">
      <h2>{title}</h2>
      <div className="scroll-x">
        <table className="plain-table">
          <thead>
            <tr>
              <th className="numeric">{column}</th>
              <th className="bar-cell">
                <span className="off-screen">As a bar</span>
              </th>
              <th>Action</th>
              <th className="narrow-hidden">Stage</th>
            </tr>
          </thead>
          <tbody>
            {ranked.map(({ row, ms }) => (
              <tr key={row.name}>
                <td className="numeric">{durationText(ms)}</td>
                <td className="bar-cell">
                  <span className={`bar ${lookOf(row)}`} style={{ width: `${(100 * ms) / longest}%` }} />
                </td>
                <td className="action">
                  <OperationLink name={row.name}>
                    {row.target || row.command || "action"} <span className="dim">{row.mnemonic}</span>
                  </OperationLink>
                </td>
                <td className="narrow-hidden">
                  <StandingBadge {...row} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const MOST_WORKERS = 20;

interface BusiestWorkersProps {
  readonly lanes: readonly Lane[];
  readonly took: number;
  readonly now: number;
  readonly instance: string;
  /** The filter of the build. */
  readonly filter: string;
}

/** Which workers did most: what the chart shows, in figures. */
export function BusiestWorkers({ lanes, took, now, instance, filter }: BusiestWorkersProps) {
  const busiest = lanes
    .map((lane) => ({ lane, ms: executionMs([lane], now) }))
    .sort((a, b) => b.ms - a.ms)
    .slice(0, MOST_WORKERS);
  const most = Math.max(1, busiest[0]?.ms ?? 1);
  return (
    <section className="card">
      <h2>Busiest workers</h2>
      <div className="scroll-x">
        <table className="plain-table">
          <thead>
            <tr>
              <th className="numeric">Ran</th>
              <th className="bar-cell">
                <span className="off-screen">As a bar</span>
              </th>
              <th>Worker</th>
              <th className="numeric">Actions</th>
              <th className="numeric">Failed</th>
              <th className="numeric">In parallel</th>
            </tr>
          </thead>
          <tbody>
            {busiest.map(({ lane, ms }) => (
              <tr key={lane.worker}>
                <td className="numeric">{durationText(ms)}</td>
                <td className="bar-cell">
                  <span className="bar executing" style={{ width: `${(100 * ms) / most}%` }} />
                </td>
                <td className="action">
                  <Link href={operationsPath(instance, `${filter} AND worker = ${filterValue(lane.worker)}`)}>
                    {lane.worker}
                  </Link>
                </td>
                <td className="numeric">{countText(lane.actions)}</td>
                <td className="numeric">{lane.failed > 0 ? countText(lane.failed) : ""}</td>
                <td className="numeric">{took > 0 ? (ms / took).toFixed(1) : "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {lanes.length > busiest.length && (
        <p className="dim">and {plural(lanes.length - busiest.length, "worker")} that did less</p>
      )}
    </section>
  );
}
