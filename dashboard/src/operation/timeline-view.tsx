import type { ExecutedActionMetadata } from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { dateText, durationOf, durationText } from "../format/time.ts";
import { useNow } from "../ui/use-now.ts";
import { type Phase, placeOnBar, type Timeline, timelineOf } from "./timeline.ts";
import "./timeline.css";

interface TimelineProps {
  readonly times: ExecutedActionMetadata | undefined;
  readonly done: boolean;
  readonly cached: boolean;
}

/** What the time went to: a bar, what its parts are, and all times in a table. */
export function TimelineView({ times, done, cached }: TimelineProps) {
  const now = useNow(done ? 60_000 : 500);
  const timeline = timelineOf(times, done ? undefined : now);
  if (timeline.moments.length === 0) return <p className="hint timeline">No times are known.</p>;
  return (
    <section className="timeline" aria-label="Timeline">
      {timeline.phases.length > 0 && <Bar timeline={timeline} />}
      <div className="timeline-legend">
        {timeline.phases.map((phase) => (
          <span key={phase.name} className={`phase-key ${phase.name}`}>
            {phase.title} <strong>{durationText(phase.to - phase.from)}</strong>
            {phase.running && " …"}
          </span>
        ))}
      </div>
      {cached && <p className="dim">From the action cache: these are the times of the run that it remembers.</p>}
      {timeline.odd && (
        <p className="dim">
          Some times contradict each other: the clocks of server and worker differ, or the worker noted them wrongly.
        </p>
      )}
      <details>
        <summary>All times</summary>
        <Moments timeline={timeline} computing={durationOf(times?.virtualExecutionDuration)} />
      </details>
    </section>
  );
}

function describe({ title, from, to, running }: Phase): string {
  return `${title}: ${durationText(to - from)}${running ? " so far" : ""}`;
}

function Bar({ timeline }: { readonly timeline: Timeline }) {
  return (
    <div className="timeline-bar" role="img" aria-label={timeline.phases.map(describe).join(", ")}>
      {timeline.phases.map((phase) => {
        const { left, width } = placeOnBar(timeline, phase);
        return (
          <span
            key={phase.name}
            className={`phase ${phase.name}${phase.running ? " running" : ""}`}
            style={{ left: `${left}%`, width: `${width}%` }}
            title={describe(phase)}
          />
        );
      })}
    </div>
  );
}

function sinceText(ms: number): string {
  return ms < 0 ? `−${durationText(-ms)}` : `+${durationText(ms)}`;
}

function Moments({ timeline, computing }: { readonly timeline: Timeline; readonly computing: number | undefined }) {
  return (
    <table className="facts-table">
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">When</th>
          <th scope="col" className="numeric">
            Since the previous
          </th>
        </tr>
      </thead>
      <tbody>
        {timeline.moments.map(({ title, at, since }) => (
          <tr key={title}>
            <td>{title}</td>
            <td>
              <time dateTime={new Date(at).toISOString()}>{dateText(at)}</time>
            </td>
            <td className="numeric">{since !== undefined && sinceText(since)}</td>
          </tr>
        ))}
        {computing !== undefined && (
          <tr>
            <td>Virtual execution duration</td>
            <td />
            <td className="numeric">{durationText(computing)}</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}
