import { Link } from "wouter";
import { agoText, dateText, durationText } from "../format/time.ts";
import { type BuildKind, buildsPath, invocationPath, operationsPath } from "../location/paths.ts";
import { CopyButton } from "../ui/copy-button.tsx";
import { Fact } from "../ui/fact.tsx";
import type { Build } from "./builds.ts";

interface BuildHeaderProps {
  readonly kind: BuildKind;
  readonly id: string;
  readonly instance: string;
  /** What the first operation said of it. */
  readonly build: Pick<Build, "tool" | "toolVersion" | "correlated">;
  readonly client: string;
  readonly running: boolean;
  readonly beganAt: number | undefined;
  readonly took: number;
  readonly now: number;
  readonly filter: string;
  /** Not there when nothing of it lives. */
  readonly onCancel: (() => void) | undefined;
}

/** What a build is, and how it goes. */
export function BuildHeader(props: BuildHeaderProps) {
  const { kind, id, instance, build, client, running, beganAt, took, now, filter, onCancel } = props;
  return (
    <header className="build-header">
      <div className="build-title">
        <Link className="up" href={buildsPath(instance, kind)}>
          Builds
        </Link>
        <h1>
          {build.tool || "Build"} <span className="dim">{build.toolVersion}</span>
        </h1>
        <span className={`badge ${running ? "executing" : "succeeded"}`}>{running ? "▶ running" : "■ ended"}</span>
        <span className="build-took">
          {durationText(took)} {running && <span className="dim">so far</span>}
        </span>
        <span className="grow" />
        <Link className="button" href={operationsPath(instance, filter)}>
          As a list
        </Link>
        {onCancel && (
          <button type="button" className="danger" onClick={onCancel}>
            Cancel all
          </button>
        )}
      </div>
      <dl className="build-facts">
        <Fact title={kind === "invocation" ? "Invocation" : "Build group"}>
          <code>{id}</code>
          <CopyButton text={id} what="the id" />
        </Fact>
        {kind === "invocation" && build.correlated !== "" && (
          <Fact title="Build group">
            <Link href={invocationPath(instance, build.correlated, "correlated")}>
              <code>{build.correlated}</code>
            </Link>
          </Fact>
        )}
        {client !== "" && <Fact title="Client">{client}</Fact>}
        {beganAt !== undefined && (
          <Fact title="Began">
            <time dateTime={new Date(beganAt).toISOString()}>{dateText(beganAt).slice(0, 19)}</time>
            <span className="dim"> {agoText(beganAt, now)}</span>
          </Fact>
        )}
      </dl>
    </header>
  );
}
