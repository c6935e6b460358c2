import { useMemo } from "react";
import { Chart } from "./chart.tsx";
import { amountText, percentText, roundSpanText, spanText } from "./figure-text.ts";
import type { FigureSeries } from "./figures.ts";
import type { Line } from "./plot.ts";

/** The figures of a window, step by step. */
export function Charts({ series }: { readonly series: FigureSeries }) {
  const lines = useMemo(() => linesOf(series), [series]);
  const { times, stepMs } = series;
  const shared = { times, stepMs };
  return (
    <div className="charts">
      <Chart {...shared} title="Submitted and ended, per minute" text={amountText} most={4} lines={lines.throughput} />
      <Chart {...shared} title="Waiting and running" text={amountText} most={4} lines={lines.depth} />
      <Chart {...shared} title="Answered from the cache" text={percentText} most={1} lines={lines.cacheHits} />
      <Chart {...shared} title="Failed" text={percentText} most={0.1} lines={lines.failures} />
      <Chart
        {...shared}
        title="How long jobs waited"
        text={spanText}
        axisText={roundSpanText}
        logarithmic
        lines={lines.waits}
      />
      <Chart
        {...shared}
        title="How long jobs ran"
        text={spanText}
        axisText={roundSpanText}
        logarithmic
        lines={lines.runs}
      />
    </div>
  );
}

type LinesOf = Record<"throughput" | "depth" | "waits" | "runs" | "cacheHits" | "failures", readonly Line[]>;

function linesOf(series: FigureSeries): LinesOf {
  return {
    throughput: [
      { label: "Submitted", values: series.submitted, colour: "accent" },
      { label: "Succeeded", values: series.succeeded, colour: "succeeded" },
      { label: "Failed", values: series.failed, colour: "failed" },
      { label: "Cancelled", values: series.cancelled, colour: "cancelled", dashed: true },
    ],
    depth: [
      { label: "Waiting", values: series.queued, colour: "queued" },
      { label: "Running", values: series.executing, colour: "executing" },
    ],
    waits: [
      { label: "p50", values: series.waitP50, colour: "queued" },
      { label: "p95", values: series.waitP95, colour: "queued", dashed: true },
    ],
    runs: [
      { label: "p50", values: series.runP50, colour: "executing" },
      { label: "p95", values: series.runP95, colour: "executing", dashed: true },
    ],
    cacheHits: [{ label: "Of what was submitted", values: series.cacheHits, colour: "cached" }],
    failures: [{ label: "Of what ended by itself", values: series.failures, colour: "failed" }],
  };
}
