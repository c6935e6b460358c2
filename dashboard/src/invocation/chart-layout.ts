import type { Bar, Lane } from "./lanes.ts";
import { barAt } from "./span.ts";

/** How high a track is, in CSS pixels. */
export const TRACK_HEIGHT = 13;
/** The room between two lanes, in CSS pixels. */
export const LANE_GAP = 5;
/** How high the axis is, which stands above all lanes, in CSS pixels. */
export const AXIS_HEIGHT = 24;

/** A track of a lane and where it is, in CSS pixels below the axis. */
export interface PlacedTrack {
  readonly lane: Lane;
  readonly bars: readonly Bar[];
  readonly y: number;
  /** Which lane, and which of its tracks. */
  readonly laneIndex: number;
  readonly trackIndex: number;
}

/** All tracks from top to bottom. */
export interface Layout {
  readonly tracks: readonly PlacedTrack[];
  readonly height: number;
}

/** Puts lanes below each other. */
export function layoutOf(lanes: readonly Lane[]): Layout {
  const tracks: PlacedTrack[] = [];
  let y = 0;
  for (const [laneIndex, lane] of lanes.entries()) {
    for (const [trackIndex, bars] of lane.tracks.entries()) {
      tracks.push({ lane, bars, y, laneIndex, trackIndex });
      y += TRACK_HEIGHT;
    }
    y += LANE_GAP;
  }
  return { tracks, height: y };
}

/** Where the first track is that reaches below a height. */
export function firstTrackBelow(tracks: readonly PlacedTrack[], y: number): number {
  let low = 0;
  let high = tracks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((tracks[middle] as PlacedTrack).y + TRACK_HEIGHT > y) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The bar at a place; `slack` is how far beside a bar still counts, in milliseconds. */
export function hit({ tracks }: Layout, y: number, time: number, slack: number): Bar | undefined {
  const track = tracks[firstTrackBelow(tracks, y)];
  return track && track.y <= y ? barAt(track.bars, time, slack) : undefined;
}

/** A bar and the track that it is in. */
export interface Found {
  readonly bar: Bar;
  readonly track: PlacedTrack;
}

/** Finds the bar of an operation. */
export function findBar({ tracks }: Layout, name: string): Found | undefined {
  for (const track of tracks) {
    const bar = track.bars.find(({ row }) => row.name === name);
    if (bar) return { bar, track };
  }
  return undefined;
}

/** Where to go from a bar. */
export type Direction = "before" | "after" | "above" | "below";

/** The next bar in a direction; from nowhere the first one of all. */
export function neighbour(layout: Layout, name: string | undefined, direction: Direction): Found | undefined {
  const from = name === undefined ? undefined : findBar(layout, name);
  if (!from) {
    const track = layout.tracks[0];
    return track && { track, bar: track.bars[0] as Bar };
  }
  if (direction === "before" || direction === "after") {
    const bar = from.track.bars[from.track.bars.indexOf(from.bar) + (direction === "after" ? 1 : -1)];
    return bar ? { track: from.track, bar } : from;
  }
  const track = layout.tracks[layout.tracks.indexOf(from.track) + (direction === "below" ? 1 : -1)];
  return track ? { track, bar: barAt(track.bars, from.bar.start, Number.POSITIVE_INFINITY) as Bar } : from;
}
