import { useEffect, useState, useSyncExternalStore } from "react";
import { farm } from "../api/clients.ts";
import { createFeed, type Feed, type FeedState } from "./feed.ts";

const NOTHING: FeedState = {
  phase: "loading",
  rows: [],
  truncated: false,
  changes: 0,
  error: undefined,
  retryAt: undefined,
};
const never = () => () => {};

/** Follows the operations of an instance that match a filter for as long as the component is there. */
export function useFeed(instance: string, filter: string, limit?: number): [state: FeedState, feed: Feed | undefined] {
  const [feed, setFeed] = useState<Feed>();
  useEffect(() => {
    const watch = farm.watchOperations.bind(farm);
    const made = createFeed({ watch, instance, filter, ...(limit !== undefined && { limit }) });
    setFeed(made);
    return () => made.close();
  }, [instance, filter, limit]);
  const state = useSyncExternalStore(feed?.subscribe ?? never, feed?.state ?? (() => NOTHING));
  return [state, feed];
}
