import { type KeyboardEvent, type ReactNode, useEffect, useId } from "react";

/** One of several things to look at, one at a time. */
export interface Tab {
  readonly id: string;
  readonly title: string;
  /** What is said beside the title, as a count. */
  readonly note?: string | undefined;
  readonly content: () => ReactNode;
}

interface TabsProps {
  readonly tabs: readonly Tab[];
  readonly shown: string;
  readonly onShow: (id: string) => void;
  readonly label: string;
}

/** Tabs that the arrow keys go through. */
export function Tabs({ tabs, shown, onShow, label }: TabsProps) {
  const prefix = useId();
  const tab = tabs.find(({ id }) => id === shown) ?? tabs[0];
  const button = tab && `${prefix}-${tab.id}`;
  useEffect(() => {
    if (button) document.getElementById(button)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [button]);
  if (!tab) return null;
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length] ?? tab;
    onShow(next.id);
    document.getElementById(`${prefix}-${next.id}`)?.focus();
  };
  return (
    <>
      <div className="tabs" role="tablist" aria-label={label} onKeyDown={onKeyDown}>
        {tabs.map(({ id, title, note }) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`${prefix}-${id}`}
            aria-selected={id === tab.id}
            aria-controls={`${prefix}-panel`}
            tabIndex={id === tab.id ? 0 : -1}
            onClick={() => onShow(id)}
          >
            {title}
            {note !== undefined && <span className="dim"> {note}</span>}
          </button>
        ))}
      </div>
      <div className="tab-panel" role="tabpanel" id={`${prefix}-panel`} aria-labelledby={`${prefix}-${tab.id}`}>
        {tab.content()}
      </div>
    </>
  );
}
