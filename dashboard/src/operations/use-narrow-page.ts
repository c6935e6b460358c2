import { useSyncExternalStore } from "react";

const NARROW = "(max-width: 620px)";

function subscribe(listener: () => void): () => void {
  const query = matchMedia(NARROW);
  query.addEventListener("change", listener);
  return () => query.removeEventListener("change", listener);
}

/** Whether the page is as narrow as a telephone. */
export function useNarrowPage(): boolean {
  return useSyncExternalStore(subscribe, () => matchMedia(NARROW).matches);
}
