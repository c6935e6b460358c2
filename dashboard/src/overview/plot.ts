import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { type ColourName, onThemeChange, readPalette } from "../ui/palette.ts";
import { type FigureText, minuteText } from "./figure-text.ts";
import type { Values } from "./figures.ts";

/** One line of a chart. */
export interface Line {
  readonly label: string;
  readonly values: Values;
  /** The variable of styles.css without its dashes. */
  readonly colour: ColourName;
  readonly dashed?: boolean;
}

/** What a chart shows. The number of lines, their labels and colours stay as they are. */
export interface PlotData {
  /** In milliseconds since the epoch. */
  readonly times: readonly number[];
  readonly stepMs: number;
  readonly lines: readonly Line[];
}

/** How the values of a chart are written and scaled. */
export interface PlotOptions {
  readonly text: FigureText;
  /** For the round values of the axis; default `text`. */
  readonly axisText?: FigureText;
  /** For milliseconds that differ by orders of magnitude. */
  readonly logarithmic?: boolean;
  /** Up to where the axis goes at least; default 1. */
  readonly most?: number;
}

const HEIGHT = 150;
/** Crosshairs of the charts move together. */
const CROSSHAIRS = "overview";

const [SECOND_MS, MINUTE_MS, HOUR_MS] = [1000, 60_000, 3_600_000];
const LONGEST_MS = 100 * HOUR_MS;
/** What a logarithmic axis shows: durations that people think in. */
const ROUND_MS = [
  ...[1, 10, 100, SECOND_MS, 10 * SECOND_MS, MINUTE_MS, 10 * MINUTE_MS],
  ...[HOUR_MS, 10 * HOUR_MS, LONGEST_MS],
];

type Plain = (number | null | undefined)[];

/** A chart in an element, as wide as it, for as long as it is wanted. */
export function createPlot(element: HTMLElement, data: PlotData, options: PlotOptions) {
  let palette = readPalette();
  let shown = data;
  const { text, axisText = text, logarithmic = false, most = 1 } = options;

  const range = (_plot: uPlot, _low: number, high: number | null): [number, number] => {
    if (!logarithmic) return [0, Math.max(most, (high ?? 0) * 1.1)];
    return [1, ROUND_MS.find((round) => round >= Math.max(1000, high ?? 0)) ?? LONGEST_MS];
  };
  const axis = { stroke: () => palette.dim, font: "11px system-ui, sans-serif", ticks: { show: false } };
  const grid = { stroke: () => palette.line, width: 1 };
  const plot = new uPlot(
    {
      ...{ width: Math.max(1, element.clientWidth), height: HEIGHT, padding: [8, 18, 0, 0] },
      scales: {
        x: {
          time: true,
          range: () => [(shown.times[0] ?? 0) / 1000, ((shown.times.at(-1) ?? 0) + shown.stepMs) / 1000],
        },
        y: { range, ...(logarithmic && { distr: 3 as const }) },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          ...{ space: 60, size: 24 },
          values: (_plot, splits) => splits.map((seconds) => minuteText(seconds * 1000)),
        },
        {
          ...{ ...axis, grid, size: 56, space: 28 },
          ...(logarithmic && { splits: (_plot, _axis, _low, high) => ROUND_MS.filter((round) => round <= high) }),
          ...(logarithmic && { filter: (_plot, splits) => splits }),
          values: (_plot, splits) => splits.map((value) => (value === null ? "" : axisText(value))),
        },
      ],
      series: [
        { label: "Time", value: (_plot, seconds) => (seconds === null ? "" : minuteText(seconds * 1000)) },
        ...data.lines.map(({ label, colour, dashed }) => ({
          label,
          stroke: () => palette[colour],
          ...{ width: 1.5, ...(dashed && { dash: [4, 3] }) },
          points: { show: true, size: 4, filter: alone },
          value: (_plot: uPlot, value: number | null) => (value === null ? "–" : text(value)),
        })),
      ],
      legend: { markers: { width: 0, fill: (_plot, series) => marker(data.lines[series - 1]) } },
      cursor: { sync: { key: CROSSHAIRS }, drag: { setScale: false, x: false, y: false }, y: false },
      hooks: { setCursor: [(plot) => plot.cursor.idx ?? plot.setLegend({ idx: latest(shown) })] },
    },
    aligned(data),
    element,
  );
  plot.setLegend({ idx: latest(data) });

  const resize = new ResizeObserver(([entry]) => {
    const width = Math.floor(entry?.contentRect.width ?? 0);
    if (width > 0 && width !== plot.width) plot.setSize({ width, height: HEIGHT });
  });
  resize.observe(element);
  const stopTheme = onThemeChange(() => {
    palette = readPalette();
    plot.redraw(false, true);
  });

  function aligned({ times, lines }: PlotData): uPlot.AlignedData {
    // Nothing is less than nothing on a logarithmic axis.
    const least = (value: number | null) => (value !== null && logarithmic ? Math.max(1, value) : value);
    return [times.map((time) => time / 1000), ...lines.map(({ values }) => values.map(least))];
  }

  return {
    show: (next: PlotData) => {
      shown = next;
      plot.setData(aligned(next));
      if (plot.cursor.idx == null) plot.setLegend({ idx: latest(next) });
    },
    close: () => {
      resize.disconnect();
      stopTheme();
      plot.destroy();
    },
  };
}

/** The look of a line, for the legend, which knows variables. */
function marker(line: Line | undefined): string {
  const colour = `var(--${line?.colour})`;
  return line?.dashed ? `repeating-linear-gradient(90deg, ${colour} 0 4px, transparent 4px 7px)` : colour;
}

/** Where the last value is; the end, where there is none. */
function latest({ times, lines }: PlotData): number {
  const last = times.length - 1;
  for (let index = last; index >= 0; index--) {
    if (lines.some(({ values }) => values[index] !== null)) return index;
  }
  return Math.max(0, last);
}

/** Values between gaps: no line leads to them, so they are dots. */
function alone(plot: uPlot, series: number): number[] {
  const values = (plot.data[series] ?? []) as Plain;
  return values.flatMap((value, index) =>
    value != null && values[index - 1] == null && values[index + 1] == null ? [index] : [],
  );
}
