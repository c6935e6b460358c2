import { type KeyboardEvent, type Ref, useImperativeHandle, useLayoutEffect, useRef, useState } from "react";
import { type Completion, type Completions, complete, completionsAt, type Language } from "./filter-completion.ts";
import { FilterPlace } from "./filter-place.tsx";
import type { FilterProblem } from "./filter-problem.ts";

/** What others may do with the input. */
export interface FilterInputHandle {
  focusAt(caret: number): void;
}

interface FilterInputProps {
  readonly ref: Ref<FilterInputHandle>;
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly problem: FilterProblem | undefined;
  readonly language: Language;
}

const NOTHING: Completions = { from: 0, to: 0, options: [] };

/** The input of a filter, which offers what can be written where the caret stands. */
export function FilterInput({ ref, text, onText, problem, language }: FilterInputProps) {
  const input = useRef<HTMLInputElement>(null);
  const wanted = useRef<number>(undefined);
  const [offered, setOffered] = useState(NOTHING);
  const [active, setActive] = useState(-1);
  const [scrolled, setScrolled] = useState(0);
  const isOpen = offered.options.length > 0;

  useLayoutEffect(() => {
    if (wanted.current === undefined) return;
    input.current?.setSelectionRange(wanted.current, wanted.current);
    wanted.current = undefined;
  });
  useImperativeHandle(ref, () => ({
    focusAt: (caret) => {
      input.current?.focus();
      input.current?.setSelectionRange(caret, caret);
    },
  }));
  const close = () => {
    setOffered(NOTHING);
    setActive(-1);
  };
  const offer = (written: string, caret: number) => {
    setOffered(completionsAt(written, caret, language));
    setActive(-1);
  };
  const offerHere = () => offer(text, input.current?.selectionStart ?? text.length);
  const take = (option: Completion) => {
    const done = complete(text, offered, option);
    wanted.current = done.caret;
    onText(done.text);
    offer(done.text, done.caret);
    input.current?.focus();
  };
  const move = (by: number) => {
    if (!isOpen) offerHere();
    const count = offered.options.length;
    if (isOpen) setActive(active < 0 && by < 0 ? count - 1 : (active + by + count) % count);
    return true;
  };
  const takeAt = (index: number) => {
    const option = offered.options[index];
    if (option) take(option);
    else close();
    return option !== undefined;
  };
  const leave = () => {
    if (isOpen) close();
    else input.current?.blur();
    return true;
  };
  /** Whether the key was for this and has no other effect. */
  const onKey = (key: string) => {
    if (key === "ArrowDown") return move(1);
    if (key === "ArrowUp") return move(-1);
    if (key === "Enter") return takeAt(active);
    // With nothing typed Tab goes on, as everywhere.
    if (key === "Tab") return takeAt(active < 0 && offered.to > offered.from ? 0 : active);
    return key === "Escape" && leave();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing || event.shiftKey || event.altKey || event.metaKey) return;
    if (onKey(event.key === " " && event.ctrlKey ? "ArrowDown" : event.key)) event.preventDefault();
  };

  return (
    <div className="filter-box">
      <input
        id="filter"
        className="filter-input"
        ref={input}
        value={text}
        role="combobox"
        aria-expanded={isOpen}
        aria-controls="filter-options"
        aria-autocomplete="list"
        aria-activedescendant={active >= 0 ? `filter-option-${active}` : undefined}
        aria-invalid={problem !== undefined}
        aria-describedby={problem && "filter-problem"}
        onChange={({ target }) => {
          onText(target.value);
          offer(target.value, target.selectionStart ?? target.value.length);
        }}
        onKeyDown={onKeyDown}
        onClick={offerHere}
        onBlur={close}
        onScroll={({ currentTarget }) => setScrolled(currentTarget.scrollLeft)}
        placeholder="Filter, as stage = EXECUTING AND tool_name = bazel"
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
      />
      <FilterPlace {...{ text, scrolled }} at={problem?.at} />
      <FilterOptions {...{ offered, active, scrolled, onTake: take }} />
    </div>
  );
}

interface FilterOptionsProps {
  readonly offered: Completions;
  readonly active: number;
  readonly scrolled: number;
  readonly onTake: (option: Completion) => void;
}

function FilterOptions({ offered, active, scrolled, onTake }: FilterOptionsProps) {
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    list.current?.children[Math.max(0, active)]?.scrollIntoView({ block: "nearest" });
  }, [active]);
  const place = { "--left": `calc(${offered.from}ch - ${scrolled}px)` } as React.CSSProperties;
  return (
    <div
      id="filter-options"
      className="filter-options"
      role="listbox"
      aria-label="What can be written here"
      hidden={offered.options.length === 0}
      ref={list}
      style={place}
    >
      {offered.options.map((option, index) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: keys go to the input, which has the focus
        // biome-ignore lint/a11y/useFocusableInteractive: as above
        <div
          key={option.insert}
          id={`filter-option-${index}`}
          role="option"
          aria-selected={index === active}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onTake(option)}
        >
          <code>{option.label}</code>
          <span className="dim">{option.detail}</span>
        </div>
      ))}
    </div>
  );
}
