/** How many characters must be inserted, removed or replaced to make one text of the other. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}

const LONGEST = 80;

/** The known name that `name` was most likely meant to be: the nearest, or one that holds it. Undefined when none is. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > LONGEST) return undefined;
  const ranked = known
    .map((candidate) => ({
      candidate,
      steps: distance(name.toLowerCase(), candidate.toLowerCase()),
    }))
    .sort((a, b) => a.steps - b.steps);
  const [best] = ranked;
  if (best && best.steps <= Math.max(2, Math.floor(name.length / 3))) return best.candidate;
  return name.length >= 3 ? known.find((candidate) => candidate.includes(name)) : undefined;
}

/** `; did you mean X?`, or nothing. */
export function suggestion(name: string, known: readonly string[]): string {
  const best = nearest(name, known);
  return best === undefined ? "" : `; did you mean ${best}?`;
}
