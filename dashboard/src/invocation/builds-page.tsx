import { useMemo, useState } from "react";
import { Link, useLocation } from "wouter";
import { plural } from "../format/number.ts";
import { useInstance, useParameter } from "../location/parameters.ts";
import { type BuildKind, buildsPath, invocationPath, operationsPath } from "../location/paths.ts";
import type { FeedState } from "../operations/feed.ts";
import { DisconnectedBanner, FeedStatus } from "../operations/feed-status.tsx";
import { useFeed } from "../operations/use-feed.ts";
import { useShortcuts } from "../shell/shortcuts.ts";
import { ErrorPanel, Loading } from "../ui/panels.tsx";
import { useNow } from "../ui/use-now.ts";
import { watchedBuilds } from "./build-filter.ts";
import { type Build, buildsOf } from "./builds.ts";
import { BuildsTable } from "./builds-table.tsx";
import { NoBuilds } from "./no-builds.tsx";
import { useThrottled } from "./use-throttled.ts";
import "./invocation.css";

/** The builds that the newest so many operations are of; who looks further back takes four times as many. */
const FEWEST = 5000;
const MOST = 80_000;
const MOST_SHOWN = 200;
const EVERY_MS = 500;

/** The latest builds: `/invocations?instance=...&kind=...&newest=5000`. */
export default function BuildsPage() {
  const [instance] = useInstance();
  const [parameter] = useParameter("kind");
  const kind: BuildKind = parameter === "correlated" ? "correlated" : "invocation";
  return <Builds key={JSON.stringify([instance, kind])} instance={instance} kind={kind} />;
}

function Builds({ instance, kind }: { readonly instance: string; readonly kind: BuildKind }) {
  const [parameter, setNewest] = useParameter("newest");
  const newest = Math.min(Math.max(FEWEST, Math.floor(Number(parameter)) || 0), MOST);
  const [state, feed] = useFeed(instance, watchedBuilds(kind), newest);
  const known = useThrottled(state, EVERY_MS);
  const builds = useMemo(() => buildsOf(known.rows, kind), [known, kind]);
  const now = useNow();
  const shown = builds.slice(0, MOST_SHOWN);
  const selected = useSelection(shown, instance, kind);
  useShortcuts({
    p: () => (state.phase === "paused" ? feed?.resume() : feed?.pause()),
  });
  return (
    <div className="build-page">
      <div className="build-title">
        <h1>Builds</h1>
        <KindSwitch instance={instance} kind={kind} />
        <span className="grow" />
        <FeedStatus state={state} feed={feed} />
      </div>
      <DisconnectedBanner state={state} feed={feed} />
      {state.phase === "refused" ? (
        <ErrorPanel error={state.error} onRetry={() => feed?.retry()} />
      ) : shown.length > 0 ? (
        <BuildsTable builds={shown} {...{ kind, instance, now, selected }} />
      ) : isLoading(state, known) ? (
        <Loading what="builds" />
      ) : (
        <NoBuilds kind={kind} instance={instance} />
      )}
      {builds.length > shown.length && <p className="dim">and {plural(builds.length - shown.length, "older build")}</p>}
      {known.truncated && shown.length > 0 && (
        <p className="dim">
          From the newest {plural(newest, "operation")}: the oldest builds here may have more than is counted.{" "}
          {newest < MOST && (
            <button type="button" onClick={() => setNewest(String(newest * 4))}>
              Look further back
            </button>
          )}
        </p>
      )}
    </div>
  );
}

function isLoading(state: FeedState, known: FeedState): boolean {
  return state.phase === "loading" || known.phase === "loading" || state.phase === "disconnected";
}

/** The build that keys are about. */
function useSelection(builds: readonly Build[], instance: string, kind: BuildKind): string | undefined {
  const [selected, setSelected] = useState<string>();
  const [, navigate] = useLocation();
  const step = (by: number) => {
    const index = builds.findIndex(({ id }) => id === selected);
    const next = builds[index < 0 ? 0 : Math.min(Math.max(0, index + by), builds.length - 1)];
    if (!next) return;
    setSelected(next.id);
    requestAnimationFrame(() => document.querySelector(".builds .selected")?.scrollIntoView({ block: "nearest" }));
  };
  useShortcuts({
    j: () => step(1),
    k: () => step(-1),
    enter: () => selected !== undefined && navigate(invocationPath(instance, selected, kind)),
    escape: () => (selected === undefined ? navigate(operationsPath(instance)) : setSelected(undefined)),
  });
  return selected;
}

function KindSwitch({ instance, kind }: { readonly instance: string; readonly kind: BuildKind }) {
  return (
    <nav className="kinds" aria-label="Builds by">
      <Link href={buildsPath(instance)} aria-current={kind === "invocation" ? "page" : undefined}>
        each
      </Link>
      <Link href={buildsPath(instance, "correlated")} aria-current={kind === "correlated" ? "page" : undefined}>
        in groups
      </Link>
    </nav>
  );
}
