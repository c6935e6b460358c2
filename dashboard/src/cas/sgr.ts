/** One of the 16 colours that a theme has, or any other as CSS. */
export type Colour = number | string;

/** How text is shown. What is not set is as usual. */
export interface Style {
  readonly foreground?: Colour | undefined;
  readonly background?: Colour | undefined;
  readonly bold?: boolean | undefined;
  readonly dim?: boolean | undefined;
  readonly italic?: boolean | undefined;
  readonly underline?: boolean | undefined;
  readonly strike?: boolean | undefined;
  readonly inverse?: boolean | undefined;
}

/** As usual. */
export const PLAIN: Style = {};

const MOST_PARAMETERS = 64;

const CHANGES: Readonly<Record<number, Style>> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  9: { strike: true },
  21: { underline: true },
  22: { bold: undefined, dim: undefined },
  23: { italic: undefined },
  24: { underline: undefined },
  27: { inverse: undefined },
  29: { strike: undefined },
  39: { foreground: undefined },
  49: { background: undefined },
};

/** The style after `ESC [ parameters m`. What is unknown, concealment included, changes nothing. */
export function withSgr(style: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/, MOST_PARAMETERS).map(Number);
  let next = style;
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    if (code === 0) next = PLAIN;
    else if (code === 38 || code === 48) {
      const [colour, taken] = extended(codes, at + 1);
      at += taken;
      if (colour !== undefined) next = { ...next, [code === 38 ? "foreground" : "background"]: colour };
    } else {
      const change = CHANGES[code] ?? basic(code);
      if (change) next = { ...next, ...change };
    }
  }
  return next;
}

function basic(code: number): Style | undefined {
  if (code >= 30 && code <= 37) return { foreground: code - 30 };
  if (code >= 40 && code <= 47) return { background: code - 40 };
  if (code >= 90 && code <= 97) return { foreground: code - 82 };
  if (code >= 100 && code <= 107) return { background: code - 92 };
  return undefined;
}

/** `5;n` or `2;r;g;b`, and how many parameters it has. */
function extended(codes: readonly number[], at: number): [Colour | undefined, number] {
  if (codes[at] === 5) return [palette(codes[at + 1]), 2];
  if (codes[at] !== 2) return [undefined, 0];
  const parts = codes.slice(at + 1, at + 4);
  return [parts.length === 3 && parts.every(isByte) ? `rgb(${parts.join(" ")})` : undefined, 4];
}

function isByte(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value >= 0 && value <= 255;
}

/** A colour of the 256: 16 of the theme, a cube of six steps a side, 24 greys. */
function palette(index: number | undefined): Colour | undefined {
  if (!isByte(index)) return undefined;
  if (index < 16) return index;
  if (index >= 232) {
    const grey = 8 + 10 * (index - 232);
    return `rgb(${grey} ${grey} ${grey})`;
  }
  const level = (step: number) => (step === 0 ? 0 : 55 + 40 * step);
  const cube = index - 16;
  return `rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6) % 6)} ${level(cube % 6)})`;
}
