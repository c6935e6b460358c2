/** Which rows are made, and how much room is left for those before and after. Pixels. */
export interface RowWindow {
  readonly first: number;
  /** The first one that is not made any more. */
  readonly end: number;
  readonly before: number;
  readonly after: number;
}

/** What decides which rows are made. Pixels. */
export interface Sight {
  /** How far the reader has scrolled. */
  readonly top: number;
  readonly height: number;
  readonly rowHeight: number;
  readonly count: number;
  /**
   * By how much rows stand higher than they would if the list began with the first one: the room that rows above the
   * reader have taken since, which is given to them as soon as the reader does not scroll.
   */
  readonly lift: number;
}

/** How many rows are made beyond what is in sight, on either side. */
const SPARE = 8;

/** The rows in sight and some more, a multiple of 4 so that not every pixel makes other ones. */
export function windowOf({ top, height, rowHeight, count, lift }: Sight): RowWindow {
  const firstSeen = Math.floor((top + lift) / rowHeight);
  const lastSeen = Math.ceil((top + lift + height) / rowHeight);
  const reachable = Math.max(0, Math.ceil(lift / rowHeight));
  const first = Math.min(count, Math.max(reachable, (firstSeen - SPARE) & ~3));
  const end = Math.max(first, Math.min(count, (lastSeen + SPARE + 3) & ~3));
  return {
    first,
    end,
    before: Math.max(0, first * rowHeight - lift),
    after: Math.max(0, (count - end) * rowHeight),
  };
}
