import { type RefObject, useEffect } from "react";
import type { Feed } from "../operations/feed.ts";
import { useFeed } from "../operations/use-feed.ts";

const RUNNING = "stage = EXECUTING AND sort_order = start_time(desc)";
const MOST = 20_000;

interface RunningOperationsProps {
  readonly instance: string;
  /** Where the feed is put. */
  readonly into: RefObject<Feed | undefined>;
}

/** Follows what runs. It shows nothing, so that the many changes of a busy farm draw nothing anew. */
export function RunningOperations({ instance, into }: RunningOperationsProps) {
  const [, feed] = useFeed(instance, RUNNING, MOST);
  useEffect(() => {
    into.current = feed;
  }, [feed, into]);
  return null;
}
