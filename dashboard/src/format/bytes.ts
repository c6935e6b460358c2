const UNITS = ["KiB", "MiB", "GiB", "TiB"];

/** A size for people: `812 B`, `1.4 KiB`, `380 MiB`. */
export function bytesText(bytes: number | bigint): string {
  let value = Number(bytes);
  if (value < 1024) return `${value} B`;
  let unit = -1;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}
