import { useQuery } from "@connectrpc/connect-query";
import { useMemo } from "react";
import { Link } from "wouter";
import { FarmService } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { every } from "../api/polling.ts";
import { plural } from "../format/number.ts";
import { useParameter } from "../location/parameters.ts";
import { operationsPath } from "../location/paths.ts";
import { useFeed } from "../operations/use-feed.ts";
import { ErrorPanel, Loading } from "../ui/panels.tsx";
import { PolledHead } from "../ui/polled-head.tsx";
import { useWorkers } from "../workers/use-workers.ts";
import { Attention } from "./attention-panel.tsx";
import { Charts } from "./charts.tsx";
import { seriesOf } from "./figures.ts";
import { Tiles } from "./tiles.tsx";
import { failureFilter, WINDOWS, type Window, windowOf } from "./windows.ts";
import "./overview.css";

const EVERY_MS = 5000;
/** Of what failed so much is looked at to find out which workers fail. */
const RECENT_FAILURES = 100;

/** How an instance does: `/overview?instance=...&window=6h`. */
export default function OverviewPage({ instance }: { readonly instance: string }) {
  const [id] = useParameter("window");
  const window = windowOf(id);
  const poll = { refetchInterval: every(EVERY_MS) };
  const request = { instanceName: instance, window: { seconds: BigInt(window.seconds) } };
  const figures = useQuery(FarmService.method.getFigures, request, poll);
  const queue = useQuery(FarmService.method.getQueue, { instanceName: instance }, poll);
  const workers = useWorkers(instance, EVERY_MS);
  const [failures] = useFeed(instance, failureFilter(window), RECENT_FAILURES);
  const { data, dataUpdatedAt } = figures;
  const series = useMemo(() => data && seriesOf(data, dataUpdatedAt), [data, dataUpdatedAt]);
  const polls = [figures, queue, workers];
  const body = () => {
    if (figures.isError && !data) return <ErrorPanel error={figures.error} onRetry={() => void figures.refetch()} />;
    if (!data || !series) return <Loading what="figures" />;
    return (
      <>
        <Tiles {...{ series, window }} figures={data} queue={queue.data} />
        <Attention
          {...{ instance, failures, window }}
          total={data.total}
          platforms={queue.data?.platforms ?? []}
          at={queue.dataUpdatedAt}
          workers={workers.data}
        />
        {data.total?.submittedCount === 0n && (
          <p className="about">
            Nothing was submitted in the last {window.words}. Where there is no{" "}
            <Link href={operationsPath(instance)}>operation</Link> yet, that page tells how to run a first build.
          </p>
        )}
        <Charts series={series} />
        <p className="about dim">
          Counted by the server, for {plural(Math.round(series.stepMs / 60_000), "minute")} at a time, also over
          restarts; refreshed every {EVERY_MS / 1000} s. ▲ and ▼ compare the last {window.quarter} with the rest of the{" "}
          {window.words}. Half of the durations were at most the p50, and 19 of 20 at most the p95.
        </p>
      </>
    );
  };
  return (
    <div className="overview-page">
      <PolledHead title="Overview" polls={polls}>
        <WindowChoice chosen={window} />
      </PolledHead>
      {body()}
    </div>
  );
}

function WindowChoice({ chosen }: { readonly chosen: Window }) {
  const [, setWindow] = useParameter("window");
  return (
    <fieldset className="windows">
      <legend className="off-screen">How far back</legend>
      {WINDOWS.map((window, index) => (
        <button
          key={window.id}
          type="button"
          aria-pressed={window.id === chosen.id}
          onClick={() => setWindow(index === 0 ? undefined : window.id)}
        >
          Last {window.words}
        </button>
      ))}
    </fieldset>
  );
}
