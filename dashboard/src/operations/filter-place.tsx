import { problemEnd } from "./filter-problem.ts";

interface FilterPlaceProps {
  readonly text: string;
  /** From 0; undefined for no place. */
  readonly at: number | undefined;
  /** How far the text is scrolled in its input, in pixels. */
  readonly scrolled: number;
}

/** Underlines the place of a mistake in the input that it lies upon, and points at it from below. */
export function FilterPlace({ text, at, scrolled }: FilterPlaceProps) {
  if (at === undefined) return null;
  const style = { transform: `translateX(${-scrolled}px)` };
  const before = <span>{text.slice(0, at)}</span>;
  return (
    <>
      <div className="filter-place" aria-hidden="true">
        <div style={style}>
          {before}
          <mark>{text.slice(at, problemEnd(text, at)) || " "}</mark>
        </div>
      </div>
      <div className="filter-caret" aria-hidden="true">
        <div style={style}>
          {before}
          <b>^</b>
        </div>
      </div>
    </>
  );
}
