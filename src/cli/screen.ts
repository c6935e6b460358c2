import type { Shell } from "./shell.ts";

/** Something to look at. */
export interface Picture {
  /** The lines from the top, without control characters; what does not fit is cut off. */
  draw(columns: number, height: number, nowMs: number): readonly string[];
}

/** A picture on the terminal, until this object is disposed of. */
export interface Screen extends Disposable {
  /** The picture is another one now. */
  changed(): void;
}

/** Pause between two pictures. */
const FRAME_MS = 200;
/** The pause in drawing times, as a picture of very many rows takes its time and the process has more to do. */
const PACE = 4;
/** The oldest that a picture becomes, because it tells the time. */
const LONGEST_FRAME_MS = 1000;

const CSI = "\u001b[";
/** The other screen, without a cursor, and with lines that end at the edge whatever the terminal thinks is wide. */
const ENTER = `${CSI}?1049h${CSI}?25l${CSI}?7l`;
const LEAVE = `${CSI}?7h${CSI}?25h${CSI}?1049l`;
const HOME = `${CSI}H`;
const CLEAR_LINE = `${CSI}K`;
const CLEAR_BELOW = `${CSI}J`;

/** One string for a picture, that overwrites the one before in place: nothing is cleared first, so nothing flickers. */
function frame(lines: readonly string[], columns: number, height: number): string {
  const fitting = lines.slice(0, height).map((line) => `${line.slice(0, columns)}${CLEAR_LINE}`);
  return `${HOME}${fitting.join("\r\n")}${CLEAR_BELOW}`;
}

/** Shows a picture on the whole terminal, and again when it has changed, or the terminal's size, or a second is over. */
export function openScreen(shell: Shell, picture: Picture): Screen {
  const { clock } = shell;
  let dirty = true;
  let painted = { columns: 0, rows: 0, at: 0 };

  const paint = () => {
    const { columns, rows } = shell;
    const at = clock.now();
    dirty = false;
    painted = { columns, rows, at };
    shell.out(frame(picture.draw(columns, rows, at), columns, rows));
  };
  const isStale = () =>
    dirty ||
    shell.columns !== painted.columns ||
    shell.rows !== painted.rows ||
    Math.abs(clock.now() - painted.at) >= LONGEST_FRAME_MS;
  const tick = () => {
    const startedAt = clock.now();
    if (isStale()) paint();
    timer = clock.after(Math.max(FRAME_MS, (clock.now() - startedAt) * PACE), tick);
  };

  const terminal = shell.takeTerminal(ENTER, LEAVE);
  let timer = clock.after(FRAME_MS, tick);
  paint();
  return {
    changed: () => {
      dirty = true;
    },
    [Symbol.dispose]: () => {
      timer.cancel();
      terminal[Symbol.dispose]();
    },
  };
}
