import type { Palette } from "../ui/palette.ts";
import { lookOf } from "../ui/standing.ts";
import { AXIS_HEIGHT, firstTrackBelow, type Layout, type PlacedTrack, TRACK_HEIGHT } from "./chart-layout.ts";
import type { Bar } from "./lanes.ts";
import { firstEndingAfter, type Span, ticksOf, tickText } from "./span.ts";

/** All that is seen of a chart. Lengths in CSS pixels. */
export interface Scene {
  readonly width: number;
  readonly height: number;
  /** The part at the left where the workers' names stand. */
  readonly gutter: number;
  readonly scrollTop: number;
  readonly layout: Layout;
  readonly span: Span;
  /** The beginning of the build and the time that it is, in milliseconds since the epoch. */
  readonly beganAt: number;
  readonly now: number;
  /** The names of the operations that are pointed at and chosen. */
  readonly marked: ReadonlySet<string>;
  readonly colours: Palette;
}

/** Large areas in the full colour of text would shout; failures may. */
const CALM = 0.75;

/** How far right in the picture a moment is, in milliseconds since the beginning. */
export function xOf({ span, gutter, width }: Pick<Scene, "span" | "gutter" | "width">, ms: number): number {
  return gutter + ((ms - span.from) / (span.to - span.from)) * (width - gutter);
}

/** Draws what is in sight. */
export function draw(context: CanvasRenderingContext2D, scene: Scene): void {
  const { width, height, colours } = scene;
  context.clearRect(0, 0, width, height);
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  const tracks = tracksInSight(scene);
  drawStripes(context, scene, tracks);
  drawTicks(context, scene);
  clipped(context, [scene.gutter, AXIS_HEIGHT, width, height], () => {
    for (const track of tracks) drawTrack(context, scene, track);
  });
  clipped(context, [0, AXIS_HEIGHT, scene.gutter - 8, height], () => {
    for (const track of tracks) if (track.trackIndex === 0) drawName(context, scene, track);
  });
  context.fillStyle = colours.line;
  context.fillRect(0, AXIS_HEIGHT - 1, width, 1);
}

function clipped(
  context: CanvasRenderingContext2D,
  [left, top, right, bottom]: readonly [number, number, number, number],
  paint: () => void,
): void {
  context.save();
  context.beginPath();
  context.rect(left, top, Math.max(0, right - left), Math.max(0, bottom - top));
  context.clip();
  paint();
  context.restore();
}

function tracksInSight({ layout, scrollTop, height }: Scene): readonly PlacedTrack[] {
  const first = firstTrackBelow(layout.tracks, scrollTop);
  const last = firstTrackBelow(layout.tracks, scrollTop + height - AXIS_HEIGHT);
  return layout.tracks.slice(first, last + 1);
}

const topOf = ({ scrollTop }: Scene, { y }: PlacedTrack) => AXIS_HEIGHT + y - scrollTop;

function drawStripes(context: CanvasRenderingContext2D, scene: Scene, tracks: readonly PlacedTrack[]): void {
  context.fillStyle = scene.colours.raised;
  clipped(context, [0, AXIS_HEIGHT, scene.width, scene.height], () => {
    for (const track of tracks) {
      if (track.laneIndex % 2 === 1) continue;
      const isLast = track.trackIndex === track.lane.tracks.length - 1;
      const top = topOf(scene, track) - (track.trackIndex === 0 ? 1 : 0);
      context.fillRect(0, top, scene.width, TRACK_HEIGHT + (track.trackIndex === 0 ? 1 : 0) + (isLast ? 3 : 0));
    }
  });
}

function drawTicks(context: CanvasRenderingContext2D, scene: Scene): void {
  const { span, width, height, gutter, colours } = scene;
  const { step, ticks } = ticksOf(span, Math.max(2, Math.floor((width - gutter) / 80)));
  for (const tick of ticks) {
    const x = Math.round(xOf(scene, tick));
    context.fillStyle = colours.line;
    context.fillRect(x, AXIS_HEIGHT - 5, 1, height);
    context.fillStyle = colours.dim;
    const text = tickText(tick, step);
    const half = context.measureText(text).width / 2;
    context.textAlign = "center";
    context.fillText(text, Math.min(Math.max(x, gutter + half), width - half - 2), AXIS_HEIGHT / 2 - 2);
  }
}

/** Bars that fall into a pixel that is painted already are left out, unless they failed: so much shows as can be seen. */
function drawTrack(context: CanvasRenderingContext2D, scene: Scene, track: PlacedTrack): void {
  const { span, beganAt, now, width, colours, marked } = scene;
  const top = topOf(scene, track);
  let painted = Number.NEGATIVE_INFINITY;
  for (let index = firstEndingAfter(track.bars, beganAt + span.from); index < track.bars.length; index++) {
    const bar = track.bars[index] as Bar;
    const left = xOf(scene, bar.start - beganAt);
    if (left > width) break;
    const right = Math.max(left + 1, xOf(scene, Math.min(bar.end, Math.max(now, bar.start)) - beganAt));
    const look = lookOf(bar.row);
    const isMarked = marked.has(bar.row.name);
    if (right <= painted + 0.5 && look !== "failed" && !isMarked) continue;
    const gap = right - left > 3 ? 1 : 0;
    context.globalAlpha = look === "failed" || isMarked ? 1 : CALM;
    context.fillStyle = colours[look];
    context.fillRect(left, top + 1, right - left - gap, TRACK_HEIGHT - 2);
    context.globalAlpha = 1;
    if (isMarked) outline(context, colours.text, left, top, right - left - gap);
    painted = Math.max(painted, right);
  }
}

function outline(context: CanvasRenderingContext2D, colour: string, left: number, top: number, width: number): void {
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.strokeRect(left - 1, top, width + 2, TRACK_HEIGHT);
}

/** Names of workers differ at their ends, so a long one loses its beginning. */
function drawName(context: CanvasRenderingContext2D, scene: Scene, track: PlacedTrack): void {
  context.textAlign = "right";
  context.fillStyle = scene.colours.text;
  context.fillText(track.lane.worker.slice(-60), scene.gutter - 8, topOf(scene, track) + TRACK_HEIGHT / 2 + 0.5);
}
