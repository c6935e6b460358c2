import { useEffect, useState, useSyncExternalStore } from "react";
import { farm } from "../api/clients.ts";
import { browserPage } from "./browser-page.ts";
import { createFeed, type Feed, type FeedOptions, type FeedState } from "./feed.ts";

/** What there is to see before there is a feed. */
export const NOTHING: FeedState = {
  phase: "loading",
  rows: [],
  truncated: false,
  changes: 0,
  error: undefined,
  retryAt: undefined,
};

/** A feed of the server and the page that this runs in. */
export function openFeed(options: Omit<FeedOptions, "watch" | "page">): Feed {
  return createFeed({ ...options, watch: farm.watchOperations.bind(farm), page: browserPage });
}

/**
 * Follows the operations of an instance that match a filter for as long as the component is there. Until the feed of
 * another filter is made, there is none.
 */
export function useFeed(instance: string, filter: string, limit?: number): [state: FeedState, feed: Feed | undefined] {
  const [made, setMade] = useState<{ readonly feed: Feed; readonly of: string }>();
  const of = JSON.stringify([instance, filter, limit]);
  useEffect(() => {
    const feed = openFeed({ instance, filter, ...(limit !== undefined && { limit }) });
    setMade({ feed, of });
    return () => feed.close();
  }, [instance, filter, limit, of]);
  const feed = made?.of === of ? made.feed : undefined;
  const state = useSyncExternalStore(feed?.subscribe ?? never, feed?.state ?? nothing);
  return [state, feed];
}

const never = () => () => {};
const nothing = () => NOTHING;
