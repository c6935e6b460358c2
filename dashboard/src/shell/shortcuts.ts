import { useEffect, useRef } from "react";

/** What keys do, by `KeyboardEvent.key` in lower case. */
export type Shortcuts = Readonly<Record<string, (event: KeyboardEvent) => void>>;

const WRITES = "input, textarea, select, [contenteditable]";

/** Whether a key is meant for what has the focus. */
function isTaken(event: KeyboardEvent): boolean {
  const target = event.target instanceof Element ? event.target : document.body;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return true;
  if (document.querySelector("dialog[open]")) return true;
  if (target.closest(WRITES)) return true;
  return event.key === "Enter" && target.closest("a, button, summary, [role=tab]") !== null;
}

/** Listens to keys for as long as the component is there, except while somebody writes or a dialog is open. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const latest = useRef(shortcuts);
  useEffect(() => {
    latest.current = shortcuts;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const action = isTaken(event) ? undefined : latest.current[event.key.toLowerCase()];
      if (!action) return;
      event.preventDefault();
      action(event);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}
