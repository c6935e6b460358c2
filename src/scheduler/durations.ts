/** How some durations are spread, in milliseconds. */
export interface Durations {
  readonly count: number;
  /** Half of them were at most this long; 0 when there were none. */
  readonly p50: number;
  /** All but one of twenty were at most this long; 0 when there were none. */
  readonly p95: number;
}

/** How many classes durations are counted in. What is kept depends on it: a new number needs new slots. */
export const CLASSES = 128;

/** The middle of a class is within 10 % of all of it as long as its ends are not further apart than 11 to 9. */
const MOST_SPREAD = 11 / 9;

/** The shortest duration of each class, and one more; the last ones are of years. */
const starts = classStarts();

function classStarts(): Float64Array {
  const found = new Float64Array(CLASSES + 1);
  for (let i = 1; i <= CLASSES; i++) found[i] = Math.floor((found[i - 1] ?? 0) * MOST_SPREAD) + 1;
  return found;
}

/** The class of a duration in milliseconds. */
export function classOf(ms: number): number {
  let low = 0;
  let high = CLASSES;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= ms) low = middle;
    else high = middle;
  }
  return low;
}

/** The duration that stands for all of a class: as far, in proportion, from its shortest as from its longest. */
function middleOf(index: number): number {
  const shortest = starts[index] ?? 0;
  const longest = (starts[index + 1] ?? 0) - 1;
  return longest === 0 ? 0 : (2 * shortest * longest) / (shortest + longest);
}

/** Reads how durations are spread from how many there are in each class. */
export function durationsOf(classes: ArrayLike<number>): Durations {
  let count = 0;
  for (let i = 0; i < CLASSES; i++) count += classes[i] ?? 0;
  return {
    count,
    p50: quantile(classes, Math.ceil(count / 2)),
    p95: quantile(classes, count - Math.floor(count / 20)),
  };
}

/** The duration that at least `rank` are at most as long as. */
function quantile(classes: ArrayLike<number>, rank: number): number {
  let seen = 0;
  for (let i = 0; i < CLASSES; i++) {
    seen += classes[i] ?? 0;
    if (seen > 0 && seen >= rank) return middleOf(i);
  }
  return 0;
}
