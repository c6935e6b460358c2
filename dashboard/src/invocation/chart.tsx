import { useCallback, useId, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import { plural } from "../format/number.ts";
import { useInstance } from "../location/parameters.ts";
import { operationPath } from "../location/paths.ts";
import { onChartKey, ZoomButtons } from "./chart-controls.tsx";
import { ChartDetails, ChartLegend } from "./chart-details.tsx";
import { draw } from "./chart-draw.ts";
import {
  AXIS_HEIGHT,
  type Direction,
  findBar,
  hit,
  LANE_GAP,
  type Layout,
  layoutOf,
  neighbour,
  TRACK_HEIGHT,
} from "./chart-layout.ts";
import type { Bar, Lane } from "./lanes.ts";
import { moved, type Span, within, zoomed } from "./span.ts";
import { useChartPointer } from "./use-chart-pointer.ts";
import { useColours } from "./use-colours.ts";
import { useSize } from "./use-size.ts";
import { useSpan } from "./use-span.ts";
import "./chart.css";

interface ChartProps {
  readonly lanes: readonly Lane[];
  /** In milliseconds since the epoch: the left end, the right end, and what has not ended is drawn up to. */
  readonly beganAt: number;
  readonly endsAt: number;
}

const HIGHEST = 460;

/** What each worker ran when. Only what is in sight is drawn; the mouse, the keys and the buttons go through time. */
export function WorkersChart({ lanes, beganAt, endsAt }: ChartProps) {
  const frame = useRef<HTMLElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const colours = useColours();
  const width = useSize(frame);
  const layout = useMemo(() => layoutOf(lanes), [lanes]);
  const length = Math.max(1, endsAt - beganAt);
  const [span, change, chosen] = useSpan(length);
  const [pointed, setPointed] = useState<Bar>();
  const [selected, setSelected] = useState<string>();
  const [instance] = useInstance();
  const [, navigate] = useLocation();
  const help = useId();
  const height = Math.min(layout.height, HIGHEST) + AXIS_HEIGHT;
  const gutter = width < 560 ? 76 : 150;
  const open = useCallback((name: string) => navigate(operationPath(name, instance)), [navigate, instance]);

  const paint = () => {
    const context = canvas.current?.getContext("2d");
    if (!context || !colours || width === 0) return;
    fit(context, width, height);
    const marked = new Set([pointed?.row.name, selected].filter((name) => name !== undefined));
    const scrollTop = frame.current?.scrollTop ?? 0;
    draw(context, { width, height, gutter, scrollTop, layout, span, beganAt, now: endsAt, marked, colours });
  };
  useLayoutEffect(paint);

  const barUnder = (x: number, y: number): Bar | undefined => {
    const msPerPixel = (span.to - span.from) / Math.max(1, width - gutter);
    if (x < gutter || y < AXIS_HEIGHT) return undefined;
    const time = beganAt + span.from + (x - gutter) * msPerPixel;
    return hit(layout, y - AXIS_HEIGHT + (frame.current?.scrollTop ?? 0), time, 3 * msPerPixel);
  };
  const pan = (share: number) => change((now) => moved(now, share * (now.to - now.from), length));
  const zoom = (factor: number, share = 0.5) =>
    change((now) => zoomed(now, factor, now.from + share * (now.to - now.from), length));
  const dragging = useChartPointer(canvas, {
    onPoint: (x, y) => setPointed(barUnder(x, y)),
    onLeave: () => setPointed(undefined),
    onPan: (pixels) => pan(pixels / Math.max(1, width - gutter)),
    onZoom: (factor, x) => zoom(factor, Math.min(1, Math.max(0, (x - gutter) / (width - gutter)))),
    onClick: (x, y) => {
      const bar = barUnder(x, y);
      if (bar) open(bar.row.name);
    },
  });

  const select = (direction: Direction) => {
    const found = neighbour(layout, selected, direction);
    if (!found) return;
    setSelected(found.bar.row.name);
    scrollTo(frame.current, found.track.y);
    change((now) => (isInSight(found.bar, now, beganAt) ? now : around(found.bar, now, beganAt, length)));
  };
  const showAll = () => change(() => undefined);
  const onKeyDown = onChartKey({
    onSelect: select,
    onOpen: () => selected !== undefined && open(selected),
    onPan: pan,
    onZoom: zoom,
    onAll: showAll,
  });

  const shown = pointed ?? (selected === undefined ? undefined : findBar(layout, selected)?.bar);
  return (
    <>
      <div className="chart-bar">
        <ChartLegend />
        <span className="grow" />
        <ZoomButtons {...{ zoom, pan, chosen }} onAll={showAll} />
      </div>
      <section
        ref={frame}
        className="chart-frame"
        style={{ height }}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: keys go through the chart
        tabIndex={0}
        aria-label={`Chart of ${describe(lanes, layout)}`}
        aria-describedby={help}
        onKeyDown={onKeyDown}
        onScroll={paint}
      >
        <div style={{ height: layout.height + AXIS_HEIGHT }}>
          <canvas ref={canvas} className={dragging ? "dragging" : undefined} style={{ width, height }} />
        </div>
      </section>
      <ChartDetails bar={shown} beganAt={beganAt} now={endsAt} isChosen={pointed === undefined} />
      <p className="chart-help dim" id={help}>
        Drag or Shift + wheel moves, Ctrl + wheel zooms, a click opens. Keys: arrows go from action to action, Enter
        opens, + and − zoom, Shift + arrows move, 0 shows all.
      </p>
    </>
  );
}

function describe(lanes: readonly Lane[], { tracks }: Layout): string {
  const actions = tracks.reduce((sum, { bars }) => sum + bars.length, 0);
  return `${plural(actions, "action")} on ${plural(lanes.length, "worker")}. The table of busiest workers says the same in figures.`;
}

/** Makes the picture as sharp as the screen. */
function fit(context: CanvasRenderingContext2D, width: number, height: number): void {
  const ratio = devicePixelRatio || 1;
  const { canvas } = context;
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
}

function isInSight({ start, end }: Bar, span: Span, beganAt: number): boolean {
  return start - beganAt < span.to && end - beganAt > span.from;
}

function around({ start }: Bar, { from, to }: Span, beganAt: number, length: number): Span {
  const half = (to - from) / 2;
  return within({ from: start - beganAt - half, to: start - beganAt + half }, length);
}

function scrollTo(frame: HTMLElement | null, y: number): void {
  if (!frame) return;
  const room = frame.clientHeight - AXIS_HEIGHT - TRACK_HEIGHT - LANE_GAP;
  if (y < frame.scrollTop) frame.scrollTop = y;
  else if (y > frame.scrollTop + room) frame.scrollTop = y - room;
}
