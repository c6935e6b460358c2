import { useState } from "react";
import { useLocation } from "wouter";
import { useInstance, useParameter } from "../location/parameters.ts";
import { operationPath } from "../location/paths.ts";
import { useShortcuts } from "../shell/shortcuts.ts";
import { Empty, ErrorPanel, Loading } from "../ui/panels.tsx";
import { type Column, columns } from "./columns.tsx";
import { DisconnectedBanner, FeedStatus } from "./feed-status.tsx";
import { FilterBar } from "./filter-bar.tsx";
import { sortsOf, watchedFilter, withSort, withTerm } from "./filter-text.ts";
import { FirstBuild } from "./first-build.tsx";
import { OperationsTable } from "./table.tsx";
import { useFeed } from "./use-feed.ts";

/** The columns that are shown: those of the address, as `stage,name,worker`, or the usual ones. */
function shownColumns(parameter: string | undefined): readonly Column[] {
  if (parameter === undefined) return columns.filter(({ hiddenByDefault }) => !hiddenByDefault);
  const wanted = new Set(parameter.split(","));
  return columns.filter(({ id }) => wanted.has(id));
}

/** The live table of operations: `/?instance=...&filter=...&columns=...`. */
export function OperationsPage() {
  const [instance] = useInstance();
  const [filter = "", setFilter] = useParameter("filter");
  return <Operations key={JSON.stringify([instance, filter])} {...{ instance, filter, setFilter }} />;
}

interface OperationsProps {
  readonly instance: string;
  readonly filter: string;
  readonly setFilter: (filter: string | undefined) => void;
}

function Operations({ instance, filter, setFilter }: OperationsProps) {
  const [columnIds, setColumnIds] = useParameter("columns");
  const [selected, setSelected] = useState<string>();
  const [, navigate] = useLocation();
  const watched = watchedFilter(filter);
  const [state, feed] = useFeed(instance, watched);
  const shown = shownColumns(columnIds);
  const open = (name: string) => navigate(operationPath(name, instance));
  const change = (next: string) => setFilter(next === "" ? undefined : next);

  const step = (by: number) => {
    const row = selected === undefined ? undefined : feed?.get(selected);
    const index = row && feed ? feed.indexOf(row) + by : 0;
    const next = state.rows[Math.min(Math.max(0, index), state.rows.length - 1)];
    if (next) setSelected(next.name);
  };
  useShortcuts({
    j: () => step(1),
    k: () => step(-1),
    enter: () => selected !== undefined && open(selected),
    escape: () => setSelected(undefined),
    p: () => (state.phase === "paused" ? feed?.resume() : feed?.pause()),
    "/": () => document.querySelector<HTMLElement>(".filter-input")?.focus(),
  });

  const refused = state.phase === "refused";
  const body = () => {
    if (refused) return <ErrorPanel error={state.error} onRetry={() => feed?.retry()} />;
    if (state.rows.length > 0) {
      return (
        <OperationsTable
          {...{ state, feed, columns: shown, selected, onSelect: setSelected, onOpen: open }}
          sort={sortsOf(watched)[0]}
          onSort={(sort) => change(withSort(filter, sort))}
          onNarrow={(key, value) => change(withTerm(filter, key, value))}
        />
      );
    }
    if (state.phase === "loading") return <Loading what="operations" />;
    if (filter.trim() === "") return <FirstBuild instance={instance} />;
    return (
      <Empty title="Nothing matches">
        <p>The list shows what matches as soon as there is any.</p>
        <button type="button" onClick={() => change("")}>
          Show all operations
        </button>
      </Empty>
    );
  };
  return (
    <div className="operations-page">
      <h1 className="off-screen">Operations</h1>
      <FilterBar
        {...{ filter, instance, onChange: change, columns: shown, onColumns: setColumnIds }}
        error={refused ? state.error : undefined}
      />
      <DisconnectedBanner state={state} feed={feed} />
      <FeedStatus state={state} feed={feed} />
      {body()}
    </div>
  );
}
