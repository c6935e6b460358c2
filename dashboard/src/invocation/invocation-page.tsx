import { useMemo, useState } from "react";
import { useLocation } from "wouter";
import { plural } from "../format/number.ts";
import { useInstance, useParameter } from "../location/parameters.ts";
import { type BuildKind, buildsPath, operationsPath } from "../location/paths.ts";
import type { FeedState } from "../operations/feed.ts";
import { DisconnectedBanner, FeedStatus } from "../operations/feed-status.tsx";
import type { Row } from "../operations/row.ts";
import { useFeed } from "../operations/use-feed.ts";
import { useShortcuts } from "../shell/shortcuts.ts";
import { ErrorPanel, Loading } from "../ui/panels.tsx";
import { useNow } from "../ui/use-now.ts";
import { buildFilter, watchedBuild } from "./build-filter.ts";
import { BuildHeader } from "./build-header.tsx";
import { buildsOf, instancesOf, isRunning, tookMs } from "./builds.ts";
import { BuildsTable } from "./builds-table.tsx";
import { CancelBuild } from "./cancel-build.tsx";
import { WorkersChart } from "./chart.tsx";
import { Failures } from "./failures.tsx";
import { figuresOf, liveOf } from "./figures.ts";
import { lanesOf } from "./lanes.ts";
import { UnknownBuild } from "./no-builds.tsx";
import { ProgressBar, ProgressLegend } from "./progress.tsx";
import { BusiestWorkers, Ranking } from "./rankings.tsx";
import { Tiles } from "./tiles.tsx";
import { useThrottled } from "./use-throttled.ts";
import "./invocation.css";

/** One build: `/invocations/<id>?instance=...&kind=...&time=...`. */
export default function InvocationPage({ id }: { readonly id: string }) {
  const [instance] = useInstance();
  const [parameter] = useParameter("kind");
  const kind: BuildKind = parameter === "correlated" ? "correlated" : "invocation";
  return <Invocation key={JSON.stringify([instance, kind])} {...{ id, instance, kind }} />;
}

interface InvocationProps {
  readonly id: string;
  readonly instance: string;
  readonly kind: BuildKind;
}

/** Figures of many operations take a noticeable time: they are made less often, and hardly before all are there. */
function refreshMs({ phase, rows }: FeedState): number {
  if (phase === "loading") return 3000;
  if (rows.length < 5000) return 500;
  return rows.length < 30_000 ? 800 : 2000;
}

function Invocation({ id, instance, kind }: InvocationProps) {
  const [state, feed] = useFeed(instance, watchedBuild(kind, id));
  const known = useThrottled(state, refreshMs(state));
  const [, navigate] = useLocation();
  useShortcuts({
    escape: () => navigate(buildsPath(instance, kind)),
    p: () => (state.phase === "paused" ? feed?.resume() : feed?.pause()),
  });
  const filter = buildFilter(kind, id);
  const body = () => {
    if (state.phase === "refused") return <ErrorPanel error={state.error} onRetry={() => feed?.retry()} />;
    if (known.rows.length > 0) return <BuildBody {...{ id, instance, kind, filter, known }} />;
    if (state.phase !== "live" || state.rows.length > 0) return <Loading what="the build" />;
    return <UnknownBuild {...{ id, instance, filter }} />;
  };
  return (
    <div className="build-page">
      <DisconnectedBanner state={state} feed={feed} />
      {body()}
      <FeedStatus state={state} feed={feed} />
    </div>
  );
}

interface BuildBodyProps extends InvocationProps {
  readonly filter: string;
  readonly known: FeedState;
}

function BuildBody({ id, instance, kind, filter, known }: BuildBodyProps) {
  const clock = useNow();
  const [cancelling, setCancelling] = useState(false);
  const now = Math.max(clock, known.rows.at(-1)?.queuedAt ?? 0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what lives grows with each change or second
  const figures = useMemo(() => figuresOf(known.rows, now), [known, clock]);
  const lanes = useMemo(() => lanesOf(known.rows), [known]);
  const group = useMemo(() => (kind === "correlated" ? buildsOf(known.rows) : []), [known, kind]);
  const { counts, total, beganAt, movedAt, failures } = figures;
  const first = known.rows[0] as Row;
  const took = tookMs(figures, now) ?? 0;
  const isLive = liveOf(counts) > 0;
  return (
    <>
      <BuildHeader
        {...{ kind, id, instance, beganAt, took, now, filter }}
        build={first}
        client={[first.actor, first.subject, first.workflow].filter(Boolean).join(" · ")}
        running={isRunning(counts, movedAt, now)}
        onCancel={isLive ? () => setCancelling(true) : undefined}
      />
      {cancelling && (
        <CancelBuild {...{ filter }} instances={instancesOf(known.rows)} onClose={() => setCancelling(false)} />
      )}
      <section aria-label="Progress">
        <ProgressBar counts={counts} total={total} what="the build" />
        <ProgressLegend counts={counts} hrefOf={(look) => operationsPath(instance, buildFilter(kind, id, look))} />
      </section>
      <Tiles {...{ figures, lanes, took, now }} />
      {known.truncated && <p className="dim">The first {plural(total, "operation")} of more.</p>}
      {failures.length > 0 && (
        <Failures
          {...{ failures, beganAt: beganAt ?? now }}
          count={counts.failed}
          href={operationsPath(instance, buildFilter(kind, id, "failed"))}
        />
      )}
      {group.length > 0 && (
        <section className="card">
          <h2>{plural(group.length, "invocation")}</h2>
          <BuildsTable builds={group.slice(0, 200)} kind="invocation" {...{ instance, now }} />
        </section>
      )}
      {lanes.length > 0 && beganAt !== undefined && (
        <section className="card">
          <h2>Workers over time</h2>
          <WorkersChart {...{ lanes, beganAt }} endsAt={beganAt + took} />
          {counts.cached > 0 && (
            <p className="chart-help dim">
              {plural(counts.cached, "operation")} that the cache answered ran on no worker, and so{" "}
              {counts.cached === 1 ? "is" : "are"} not here.
            </p>
          )}
        </section>
      )}
      <div className="columns">
        <Ranking title="Slowest actions" ranked={figures.slowest} column="Ran" />
        <Ranking title="Longest waits" ranked={figures.waited} column="Waited" />
      </div>
      {lanes.length > 0 && <BusiestWorkers {...{ lanes, took, now, instance, filter }} />}
    </>
  );
}
