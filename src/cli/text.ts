// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Text from elsewhere, safe on a terminal: control characters become `\xNN` or `\uNNNN`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
  });
}

/** A duration for people: `120ms`, `4.2s`, `3m05s`, `2h07m`, `3d04h`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`;
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)}s`;
  const seconds = Math.floor(ms / 1000);
  const parts = (large: number, small: number, unit: string) =>
    `${Math.floor(seconds / large)}${unit[0]}${String(Math.floor((seconds % large) / small)).padStart(2, "0")}${unit[1]}`;
  if (seconds < 3600) return parts(60, 1, "ms");
  return seconds < 86_400 ? parts(3600, 60, "hm") : parts(86_400, 3600, "dh");
}

const GAP = "  ";

/**
 * A table for a terminal. The first column always stays whole; columns go from the right until the rest fits into
 * `width` characters.
 */
export function table(head: readonly string[], rows: readonly (readonly string[])[], width: number): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  let shown = 0;
  for (let used = 0; shown < widths.length; shown++) {
    used += (widths[shown] ?? 0) + (shown > 0 ? GAP.length : 0);
    if (used > width && shown > 0) break;
  }
  const format = (line: readonly string[]) =>
    line
      .slice(0, shown)
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(GAP)
      .trimEnd();
  return `${lines.map(format).join("\n")}\n`;
}
