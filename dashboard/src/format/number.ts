const whole = new Intl.NumberFormat("en");

/** A count with its thousands apart: `12,345`. */
export function countText(count: number | bigint): string {
  return whole.format(count);
}

/** A part of a whole: `42 %`, `0.4 %`; a dash where there is no whole. */
export function shareText(part: number, all: number): string {
  if (all === 0) return "–";
  const percent = (100 * part) / all;
  return `${percent > 0 && percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`;
}

/** `1 other`, `3 others`: a count with its noun. */
export function plural(count: number, noun: string, many: string = `${noun}s`): string {
  return `${countText(count)} ${count === 1 ? noun : many}`;
}
