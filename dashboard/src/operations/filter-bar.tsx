import { useState } from "react";
import type { Column } from "./columns.tsx";

interface FilterBarProps {
  readonly filter: string;
  readonly instance: string;
  readonly onChange: (filter: string) => void;
  /** What the server said of the filter. */
  readonly error: unknown;
  readonly columns: readonly Column[];
  readonly onColumns: (ids: string | undefined) => void;
}

/** Where a filter is written, and views are kept. */
export function FilterBar({ filter, onChange }: FilterBarProps) {
  const [text, setText] = useState(filter);
  return (
    <search>
      <form
        className="filter-bar"
        onSubmit={(event) => {
          event.preventDefault();
          onChange(text.trim());
        }}
      >
        <label className="off-screen" htmlFor="filter">
          Filter
        </label>
        <input
          id="filter"
          className="filter-input"
          value={text}
          onChange={({ target }) => setText(target.value)}
          placeholder="Filter, as stage = EXECUTING AND tool_name = bazel"
          spellCheck={false}
          autoComplete="off"
        />
        <button type="submit">Filter</button>
      </form>
    </search>
  );
}
