import { useEffect, useState } from "react";
import { parseViews, type View } from "./views.ts";

const KEY = "opgrid.views";

function stored(): View[] {
  try {
    return parseViews(localStorage.getItem(KEY));
  } catch {
    return [];
  }
}

/** The reader's own views, kept by the browser, and how they are changed; a change in one tab is one in all. */
export function useViews(): [views: readonly View[], change: (to: (views: readonly View[]) => View[]) => void] {
  const [views, setViews] = useState(stored);
  useEffect(() => {
    const onStorage = ({ key }: StorageEvent) => {
      if (key === KEY || key === null) setViews(stored());
    };
    window.addEventListener("storage", onStorage);
    return () => window.removeEventListener("storage", onStorage);
  }, []);
  const change = (to: (views: readonly View[]) => View[]) => {
    const changed = to(stored());
    setViews(changed);
    try {
      localStorage.setItem(KEY, JSON.stringify(changed));
    } catch {
      // A browser that keeps nothing has the views for as long as the page is open.
    }
  };
  return [views, change];
}
