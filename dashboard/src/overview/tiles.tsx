import type { ReactNode } from "react";
import type { GetFiguresResponse, GetQueueResponse, Quantiles } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { countText } from "../format/number.ts";
import { durationOf } from "../format/time.ts";
import { amountText, changeText, percentText, spanText } from "./figure-text.ts";
import { cacheHitRate, endedCount, type FigureSeries, failureRate, trendOf, type Values } from "./figures.ts";
import type { Window } from "./windows.ts";

interface TilesProps {
  readonly figures: GetFiguresResponse;
  readonly series: FigureSeries;
  readonly queue: GetQueueResponse | undefined;
  readonly window: Window;
}

/** The figures of a window as a whole, and where they are going. */
export function Tiles({ figures, series, queue, window }: TilesProps) {
  const { total } = figures;
  if (!total) return null;
  const platforms = queue?.platforms ?? [];
  const now = (read: (platform: (typeof platforms)[number]) => bigint) =>
    queue && platforms.reduce((sum, platform) => sum + read(platform), 0n);
  return (
    <dl className="tiles">
      <Tile title="Submitted" values={series.submitted} note={perMinute(total.submittedCount, window)} {...{ window }}>
        {countText(total.submittedCount)}
      </Tile>
      <Tile title="Ended" values={series.ended} note={perMinute(endedCount(total), window)} {...{ window }}>
        {countText(endedCount(total))}
      </Tile>
      <Tile title="Waiting now" values={series.queued} {...{ window }}>
        {count(now((platform) => platform.queuedCount))}
      </Tile>
      <Tile title="Running now" values={series.executing} {...{ window }}>
        {count(now((platform) => platform.executingCount))}
      </Tile>
      <Tile
        title="From the cache"
        values={series.cacheHits}
        note={`${countText(total.cachedCount)} in all`}
        {...{ window }}
      >
        {share(cacheHitRate(total))}
      </Tile>
      <Tile title="Failed" values={series.failures} note={`${countText(total.failedCount)} in all`} bad {...{ window }}>
        {share(failureRate(total))}
      </Tile>
      <Tile title="Wait for a worker" values={series.waitP50} note={p95Of(total.queueDuration)} {...{ window }}>
        {p50Of(total.queueDuration)}
      </Tile>
      <Tile title="Run" values={series.runP50} note={p95Of(total.executionDuration)} {...{ window }}>
        {p50Of(total.executionDuration)}
      </Tile>
    </dl>
  );
}

function perMinute(all: bigint, { seconds }: Window): string {
  return `${amountText((Number(all) * 60) / seconds)} per minute`;
}

const count = (value: bigint | undefined) => (value === undefined ? "…" : countText(value));
const share = (value: number | null) => (value === null ? "–" : percentText(value));

function p50Of(quantiles: Quantiles | undefined): string {
  const ms = durationOf(quantiles?.p50);
  return ms === undefined ? "–" : spanText(ms);
}

function p95Of(quantiles: Quantiles | undefined): string {
  const ms = durationOf(quantiles?.p95);
  return ms === undefined ? "" : `p95 ${spanText(ms)}`;
}

interface TileProps {
  readonly title: string;
  readonly values: Values;
  readonly note?: string;
  /** Whether more of it is worse. */
  readonly bad?: boolean;
  readonly window: Window;
  readonly children: ReactNode;
}

function Tile({ title, values, note = "", bad = false, window, children }: TileProps) {
  const trend = trendOf(values);
  const change = trend ? changeText(trend) : "";
  const worse = bad && change.startsWith("▲");
  return (
    <div className="tile">
      <dt>{title}</dt>
      <dd className="big">{children}</dd>
      <dd className="note">
        {note !== "" && <span>{note}</span>}
        {change !== "" && (
          <span
            className={worse ? "worse" : undefined}
            title={`The last ${window.quarter}, compared with the rest of the ${window.words}`}
          >
            {change}
          </span>
        )}
      </dd>
    </div>
  );
}
