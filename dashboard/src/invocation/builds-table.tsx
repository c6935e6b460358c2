import { Link } from "wouter";
import { countText } from "../format/number.ts";
import { agoText, dateText, durationText } from "../format/time.ts";
import { type BuildKind, invocationPath } from "../location/paths.ts";
import { type Build, isRunning, tookMs } from "./builds.ts";
import { ProgressBar } from "./progress.tsx";

interface BuildsTableProps {
  readonly builds: readonly Build[];
  readonly kind: BuildKind;
  readonly instance: string;
  readonly now: number;
  /** The id of the row that keys are about. */
  readonly selected?: string | undefined;
}

/** Builds below each other, each with how far it is. */
export function BuildsTable({ builds, kind, instance, now, selected }: BuildsTableProps) {
  return (
    <div className="scroll-x">
      <table className="plain-table builds">
        <thead>
          <tr>
            <th>Build</th>
            <th className="progress-cell">Progress</th>
            <th className="numeric narrow-hidden">Operations</th>
            <th className="numeric">Failed</th>
            <th className="numeric">Took</th>
            <th className="narrow-hidden">Began</th>
            <th className="narrow-hidden">Client</th>
          </tr>
        </thead>
        <tbody>
          {builds.map((build) => (
            <BuildRow key={build.id} {...{ build, kind, instance, now }} isSelected={build.id === selected} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface BuildRowProps extends Omit<BuildsTableProps, "builds" | "selected"> {
  readonly build: Build;
  readonly isSelected: boolean;
}

function BuildRow({ build, kind, instance, now, isSelected }: BuildRowProps) {
  const { id, tool, toolVersion, actor, counts, total, beganAt, movedAt } = build;
  const took = tookMs(build, now);
  return (
    <tr className={isSelected ? "selected" : undefined} aria-current={isSelected ? "true" : undefined}>
      <td className="build-name">
        <Link href={invocationPath(instance, id, kind)} title={id}>
          <span className="build-tool">
            {tool || "unknown tool"} <span className="dim">{toolVersion}</span>
          </span>
          <code>{id}</code>
        </Link>
      </td>
      <td className="progress-cell">
        <ProgressBar counts={counts} total={total} what={id} />
      </td>
      <td className="numeric narrow-hidden">{countText(total)}</td>
      <td className="numeric failed-count">{counts.failed > 0 ? countText(counts.failed) : ""}</td>
      <td className="numeric">
        {took === undefined ? "–" : durationText(took)}
        {isRunning(counts, movedAt, now) && <span className="running-mark" role="img" aria-label="running" />}
      </td>
      <td className="narrow-hidden">
        {beganAt !== undefined && (
          <time dateTime={new Date(beganAt).toISOString()} title={dateText(beganAt)}>
            {agoText(beganAt, now)}
          </time>
        )}
      </td>
      <td className="narrow-hidden">{actor}</td>
    </tr>
  );
}
