import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Duration, DurationSchema, durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type FiguresSchema, GetFiguresResponseSchema, type QuantilesSchema } from "../../gen/opgrid/v1/opgrid_pb.ts";
import type { Durations, FigureReport, Figures } from "../instances/instances.ts";

/** Figures, as the wire has them. */
export function figuresResponse({ stepMs, steps, total }: FigureReport) {
  return create(GetFiguresResponseSchema, {
    step: durationFromMs(stepMs),
    steps: steps.map(wireFigures),
    total: wireFigures(total),
  });
}

function wireFigures(figures: Figures): MessageInitShape<typeof FiguresSchema> {
  const { startsAt, live, waits, runs } = figures;
  return {
    startTime: timestampFromMs(startsAt),
    submittedCount: BigInt(figures.submitted),
    cachedCount: BigInt(figures.cached),
    mergedCount: BigInt(figures.merged),
    succeededCount: BigInt(figures.succeeded),
    failedCount: BigInt(figures.failed),
    cancelledCount: BigInt(figures.cancelled),
    retriedCount: BigInt(figures.retried),
    ...(live && { queuedCount: BigInt(live.queued), executingCount: BigInt(live.executing) }),
    queueDuration: wireQuantiles(waits),
    executionDuration: wireQuantiles(runs),
  };
}

function wireQuantiles({ count, p50, p95 }: Durations): MessageInitShape<typeof QuantilesSchema> {
  return { count: BigInt(count), ...(count > 0 && { p50: wireDuration(p50), p95: wireDuration(p95) }) };
}

/** To the microsecond: what stands for some durations is not a whole number of milliseconds. */
function wireDuration(ms: number): Duration {
  const micros = Math.round(ms * 1000);
  return create(DurationSchema, { seconds: BigInt(Math.floor(micros / 1e6)), nanos: (micros % 1e6) * 1000 });
}
