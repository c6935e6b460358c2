import { useCallback, useState } from "react";
import { useLocation } from "wouter";
import { useInstance, useParameter } from "../location/parameters.ts";
import { operationPath } from "../location/paths.ts";
import { useShortcuts } from "../shell/shortcuts.ts";
import { Empty, ErrorPanel, Loading } from "../ui/panels.tsx";
import { shownColumns } from "./columns.tsx";
import { DisconnectedBanner, FeedStatus } from "./feed-status.tsx";
import { FilterBar } from "./filter-bar.tsx";
import { sortsOf, watchedFilter, withCondition, withSort } from "./filter-text.ts";
import { FirstBuild } from "./first-build.tsx";
import { ColumnMenu, SortMenu } from "./list-menus.tsx";
import { seenValues } from "./seen-values.ts";
import { OperationsTable } from "./table.tsx";
import { useCheckedFeed } from "./use-checked-feed.ts";
import { useLanguageKeys } from "./use-language.ts";
import { ViewBar } from "./view-bar.tsx";
import "./operations.css";

/** The live table of operations: `/?instance=...&filter=...&columns=...`. */
export function OperationsPage() {
  const [instance] = useInstance();
  return <Operations key={instance} instance={instance} />;
}

function Operations({ instance }: { readonly instance: string }) {
  const [filter = "", setFilter] = useParameter("filter");
  const [columnIds, setColumnIds] = useParameter("columns");
  const [selected, setSelected] = useState<string>();
  const [, navigate] = useLocation();
  const { state, feed, shown, problem } = useCheckedFeed(instance, filter);
  const keys = useLanguageKeys(instance);
  const language = { keys, seen: (key: string) => seenValues(state.rows, key) };
  const columns = shownColumns(columnIds);
  const sort = sortsOf(watchedFilter(shown))[0];
  const change = (next: string) => setFilter(next === "" ? undefined : next);
  const onSort = (next: typeof sort) => next && change(withSort(shown, next));
  const step = useCallback(
    (by: number) => {
      const { rows } = feed?.state() ?? { rows: [] };
      const row = selected === undefined ? undefined : feed?.get(selected);
      const index = row && feed ? feed.indexOf(row) + by : Math.min(by, 0);
      setSelected(rows[Math.min(Math.max(0, index), rows.length - 1)]?.name);
    },
    [feed, selected],
  );
  const open = (name: string) => navigate(operationPath(name, instance));
  useShortcuts({
    j: () => step(1),
    k: () => step(-1),
    enter: () => selected !== undefined && open(selected),
    escape: () => setSelected(undefined),
    p: () => (state.phase === "paused" ? feed?.resume() : feed?.pause()),
    "/": () => document.getElementById("filter")?.focus(),
  });

  const meanwhile = problem && shown !== filter && <Meanwhile shown={shown} onBack={() => change(shown)} />;
  const body = () => {
    if (state.phase === "refused" && shown !== filter) return <Loading what="operations" />;
    if (state.phase === "refused" && !problem) return <ErrorPanel error={state.error} onRetry={() => feed?.retry()} />;
    if (state.phase === "refused") return <Nothing title="The filter has a mistake" onAll={() => change("")} />;
    if (state.phase === "live" && state.rows.length === 0) {
      return filter.trim() === "" ? <FirstBuild instance={instance} /> : <NothingMatches onAll={() => change("")} />;
    }
    return (
      <OperationsTable
        {...{ state, feed, columns, chosen: columnIds !== undefined, sort, onSort, selected }}
        fades={shown !== filter && !problem}
        onSelect={setSelected}
        onOpen={open}
        onFollow={navigate}
        instance={instance}
        onStep={step}
        onNarrow={(condition) => change(withCondition(shown, condition))}
      >
        {state.rows.length === 0 && state.phase === "loading" && <Loading what="operations" />}
      </OperationsTable>
    );
  };
  return (
    <div className="operations-page">
      <h1 className="off-screen">Operations</h1>
      <FilterBar {...{ filter, problem, language, meanwhile }} onChange={change} />
      <div className="list-tools">
        <ViewBar instance={instance} filter={filter} columns={columnIds} />
        <div className="list-menus">
          <SortMenu keys={keys} sort={sort} onSort={onSort} />
          <ColumnMenu shown={columns} onChange={setColumnIds} />
          <FeedStatus state={state} feed={feed} />
        </div>
      </div>
      <DisconnectedBanner state={state} feed={feed} />
      {body()}
    </div>
  );
}

/** What the list shows while the filter has a mistake. */
function Meanwhile({ shown, onBack }: { readonly shown: string; readonly onBack: () => void }) {
  return (
    <span className="dim">
      The list still shows {shown === "" ? "all operations" : <code>{shown}</code>}.{" "}
      <button type="button" className="back" onClick={onBack}>
        Back to that
      </button>
    </span>
  );
}

function NothingMatches({ onAll }: { readonly onAll: () => void }) {
  return <Nothing title="Nothing matches" text="What matches shows here as soon as there is any." onAll={onAll} />;
}

interface NothingProps {
  readonly title: string;
  readonly text?: string;
  readonly onAll: () => void;
}

function Nothing({ title, text = "Correct it above, or begin with everything.", onAll }: NothingProps) {
  return (
    <Empty title={title}>
      <p>{text}</p>
      <button type="button" onClick={onAll}>
        Show all operations
      </button>
    </Empty>
  );
}
