import { SPECIAL, visible } from "../format/visible.ts";
import { PLAIN, type Style, withSgr } from "./sgr.ts";

/** From where on a row's text has a style. */
export interface Run {
  readonly from: number;
  readonly style: Style;
}

/** One row of a shown text: a line, or a part of a long one. */
export interface TextRow {
  /** Safe to show: nothing in it moves, hides or turns around. */
  readonly text: string;
  /** Of the line, from 1; 0 where a line goes on. */
  readonly line: number;
  /** Undefined where all is plain. */
  readonly runs: readonly Run[] | undefined;
}

/** Makes rows of text that comes in pieces. */
export interface RowReader {
  /** What is complete so far, and the row that is not. Grows in place. */
  readonly rows: readonly TextRow[];
  push(text: string): void;
  /** Nothing follows. */
  end(): void;
}

/** A row is as long as a browser lays out at once without an effort. */
export const LONGEST_ROW = 1000;
/** A row ends after so many changes of style: each is an element of the page. */
const MOST_RUNS_IN_ROW = 64;
/** A text with more changes of style than this goes on plain: each takes a hundred bytes. */
const MOST_RUNS = 200_000;
/** An escape sequence that is longer is none. */
const LONGEST_SEQUENCE = 4096;

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: controls are what is looked for
const CSI = /\x1b\[([0-?]{0,4096})[ -/]{0,16}([@-~])/y;
const STRING = /\x1b[\]PX^_][^\x07\x1b\n]{0,4096}(?:\x07|\x1b\\)/y;
const OTHER = /\x1b[ -/]{0,16}[0-OQ-WYZ\\`-~]/y;
const UNFINISHED = /\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b\n]*\x1b?|[ -/]*)$/y;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: controls are what is looked for

/**
 * Reads terminal output: colours and the like are kept, what moves a cursor or sets a title is left out, and all other
 * controls are made visible, so that nothing can hide. A carriage return begins a row, as a newline does: a progress bar
 * shows all its steps.
 */
export function createRowReader(options: { readonly numbered?: boolean } = {}): RowReader {
  const { numbered = true } = options;
  const rows: TextRow[] = [];
  let held = "";
  let line = 1;
  let text = "";
  let runs: Run[] = [];
  let style = PLAIN;
  let isContinued = false;
  let runCount = 0;

  const endRow = (continues: boolean) => {
    const styled = runs.some((run) => run.style !== PLAIN);
    rows.push({ text, line: numbered && !isContinued ? line : 0, runs: styled ? runs : undefined });
    if (!continues) line += 1;
    isContinued = continues;
    text = "";
    runs = style === PLAIN ? [] : [{ from: 0, style }];
  };
  const append = (part: string) => {
    let rest = part;
    while (text.length + rest.length > LONGEST_ROW) {
      const cut = whole(rest, LONGEST_ROW - text.length);
      text += rest.slice(0, cut);
      rest = rest.slice(cut);
      endRow(true);
    }
    text += rest;
  };
  const restyle = (parameters: string) => {
    runCount += 1;
    const next = runCount < MOST_RUNS ? withSgr(style, parameters) : PLAIN;
    if (next === style) return;
    if (runs.length >= MOST_RUNS_IN_ROW && text !== "") endRow(true);
    style = next;
    if (runs.at(-1)?.from === text.length) runs.pop();
    runs.push({ from: text.length, style });
  };

  /** Takes an escape sequence; where the next character is, or undefined when more has to come first. */
  const takeEscape = (input: string, at: number): number | undefined => {
    const control = matchAt(CSI, input, at);
    if (control) {
      if (control[2] === "m" && /^[0-9;:]*$/.test(control[1] ?? "")) restyle(control[1] ?? "");
      return at + control[0].length;
    }
    const other = matchAt(STRING, input, at) ?? matchAt(OTHER, input, at);
    if (other) return at + other[0].length;
    if (input.length - at <= LONGEST_SEQUENCE && matchAt(UNFINISHED, input, at)) return undefined;
    append(visible("\x1b"));
    return at + 1;
  };

  const take = (input: string, isLast: boolean) => {
    let from = 0;
    SPECIAL.lastIndex = 0;
    for (let found = SPECIAL.exec(input); found; found = SPECIAL.exec(input)) {
      const { index } = found;
      append(input.slice(from, index));
      const [character] = found;
      from = index + 1;
      if (character === "\n") endRow(false);
      else if (character === "\t") append("\t");
      else if (character === "\r") {
        if (from === input.length && !isLast) return hold(input, index);
        if (input[from] !== "\n") endRow(false);
      } else if (character === "\x1b") {
        const next = takeEscape(input, index);
        if (next === undefined && !isLast) return hold(input, index);
        if (next === undefined) append(visible("\x1b"));
        else from = next;
      } else append(visible(character));
      SPECIAL.lastIndex = from;
    }
    append(input.slice(from));
  };
  const hold = (input: string, from: number) => {
    held = input.slice(from);
  };

  return {
    rows,
    push: (piece) => {
      const input = held + piece;
      held = "";
      take(input, false);
    },
    end: () => {
      const input = held;
      held = "";
      take(input, true);
      if (text !== "" || (isContinued && runs.length > 0)) endRow(false);
    },
  };
}

function matchAt(pattern: RegExp, input: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(input) ?? undefined;
}

/** A length of at most `length` that cuts no character in two; 1 at least. */
function whole(text: string, length: number): number {
  const code = text.charCodeAt(length - 1);
  return code >= 0xd800 && code <= 0xdbff && length > 1 ? length - 1 : length;
}

/** All rows of a text at hand. */
export function rowsOf(text: string): readonly TextRow[] {
  const reader = createRowReader();
  reader.push(text);
  reader.end();
  return reader.rows;
}
