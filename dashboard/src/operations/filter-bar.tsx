import { type ReactNode, useEffect, useRef, useState } from "react";
import type { Language } from "./filter-completion.ts";
import { FilterInput, type FilterInputHandle } from "./filter-input.tsx";
import type { FilterProblem } from "./filter-problem.ts";

interface FilterBarProps {
  /** As it is in the address. */
  readonly filter: string;
  readonly onChange: (filter: string) => void;
  /** What the server found wrong with the filter. */
  readonly problem: FilterProblem | undefined;
  readonly language: Language;
  /** What stands beside the problem: what the list shows meanwhile. */
  readonly meanwhile: ReactNode;
}

/** Where a filter is written. */
export function FilterBar({ filter, onChange, problem, language, meanwhile }: FilterBarProps) {
  const [text, setText] = useState(filter);
  const [taken, setTaken] = useState(filter);
  const input = useRef<FilterInputHandle>(null);
  const submitted = useRef<string>(undefined);
  if (taken !== filter) {
    setTaken(filter);
    setText(filter);
  }
  useEffect(() => {
    // Who has just written it wants to correct it; who came by a link wants to read first.
    if (!problem || submitted.current !== filter) return;
    submitted.current = undefined;
    input.current?.focusAt(problem.at ?? filter.length);
  }, [problem, filter]);
  const submit = (written: string) => {
    submitted.current = written;
    onChange(written);
  };
  const clear = () => {
    setText("");
    onChange("");
    input.current?.focusAt(0);
  };
  const shown = problem && text === filter ? problem : undefined;
  return (
    <search>
      <form
        className="filter-bar"
        onSubmit={(event) => {
          event.preventDefault();
          submit(text.trim());
        }}
      >
        <label className="off-screen" htmlFor="filter">
          Filter
        </label>
        <FilterInput ref={input} {...{ text, language }} problem={shown} onText={setText} />
        {text !== "" && (
          <button type="button" className="quiet clear" onClick={clear} aria-label="Clear the filter">
            <span aria-hidden="true">✕</span>
          </button>
        )}
        <button type="submit">Filter</button>
      </form>
      {problem && (
        <p className="filter-problem" id="filter-problem" role="alert">
          <strong>{problem.message}</strong> {meanwhile}
        </p>
      )}
    </search>
  );
}
