import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { Feed, FeedState } from "./feed.ts";
import { type FilterProblem, filterProblemOf } from "./filter-problem.ts";
import { type FilterText, watchedFilter } from "./filter-text.ts";
import { NOTHING, openFeed } from "./use-feed.ts";

/** A feed of a filter that may have a mistake. */
export interface CheckedFeed {
  readonly state: FeedState;
  readonly feed: Feed | undefined;
  /** The filter that the rows are of: another than is asked for until the first of that come, and if it has a mistake. */
  readonly shown: FilterText;
  /** What is wrong with the filter that is asked for. */
  readonly problem: FilterProblem | undefined;
}

interface Shown {
  readonly feed: Feed;
  readonly filter: FilterText;
}

/** Follows what matches a filter. What was shown before goes on until the server has taken the filter. */
export function useCheckedFeed(instance: string, filter: FilterText): CheckedFeed {
  const shown = useRef<Shown>(undefined);
  const [current, setCurrent] = useState<Shown>();
  const [refused, setRefused] = useState<{ readonly filter: FilterText; readonly problem: FilterProblem }>();
  useEffect(() => {
    if (shown.current?.filter === filter) return;
    const feed = openFeed({ instance, filter: watchedFilter(filter) });
    const check = () => {
      const { phase, changes, error } = feed.state();
      const problem = phase === "refused" && shown.current ? filterProblemOf(error) : undefined;
      if (problem) setRefused({ filter, problem });
      if (problem || (phase === "loading" && changes === 0)) return;
      unsubscribe();
      shown.current?.feed.close();
      shown.current = { feed, filter };
      setCurrent(shown.current);
    };
    const unsubscribe = feed.subscribe(check);
    return () => {
      unsubscribe();
      if (shown.current?.feed !== feed) feed.close();
    };
  }, [instance, filter]);
  useEffect(
    () => () => {
      shown.current?.feed.close();
      shown.current = undefined;
    },
    [],
  );
  const feed = current?.feed;
  const state = useSyncExternalStore(feed?.subscribe ?? never, feed?.state ?? nothing);
  const known = refused?.filter === filter && current?.filter !== filter ? refused.problem : undefined;
  const isRefused = state.phase === "refused" && current?.filter === filter;
  const problem = known ?? (isRefused ? filterProblemOf(state.error) : undefined);
  return { state, feed, shown: current?.filter ?? filter, problem };
}

const never = () => () => {};
const nothing = () => NOTHING;
