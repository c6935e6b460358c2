import { useQuery } from "@connectrpc/connect-query";
import { useCallback, useDeferredValue, useMemo, useRef } from "react";
import { FarmService, type Worker } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { every } from "../api/polling.ts";
import { countText, plural } from "../format/number.ts";
import { useParameter } from "../location/parameters.ts";
import type { Feed } from "../operations/feed.ts";
import { useShortcuts } from "../shell/shortcuts.ts";
import { Empty, ErrorPanel, Loading } from "../ui/panels.tsx";
import { PolledHead } from "../ui/polled-head.tsx";
import { NoWorkers } from "./no-workers.tsx";
import { QueueSection } from "./queue-section.tsx";
import { RunningOperations } from "./running-operations.tsx";
import { useWorkers } from "./use-workers.ts";
import { matching, sorted, totalsOf, WORKER_SORTS, type WorkerSort } from "./worker-list.ts";
import { WorkersTable } from "./workers-table.tsx";
import "./workers.css";

const EVERY_MS = 2000;

const SORT_TITLES: Record<WorkerSort, string> = {
  status: "Status",
  busy: "How full",
  name: "Name",
  seen: "Last seen",
};

/** Workers and queue: `/workers?instance=...&q=...&sort=...&platforms=all&idle=1`. */
export default function WorkersPage({ instance }: { readonly instance: string }) {
  const [idle] = useParameter("idle");
  const workers = useWorkers(instance, EVERY_MS);
  const queue = useQuery(
    FarmService.method.getQueue,
    { instanceName: instance, includeIdle: idle === "1" },
    { refetchInterval: every(EVERY_MS), placeholderData: (before) => before },
  );
  const polls = [workers, queue];
  const failed = polls.find(({ isError, data }) => isError && data === undefined);
  const body = () => {
    if (failed) return <ErrorPanel error={failed.error} onRetry={() => void failed.refetch()} />;
    if (!workers.data || !queue.data) return <Loading what="workers and queue" />;
    return (
      <>
        <QueueSection {...{ instance, queue: queue.data, workers: workers.data }} at={queue.dataUpdatedAt} />
        <WorkersSection {...{ instance, workers: workers.data }} />
      </>
    );
  };
  return (
    <div className="workers-page">
      <PolledHead title="Workers and queue" polls={polls} />
      {body()}
    </div>
  );
}

interface WorkersSectionProps {
  readonly instance: string;
  readonly workers: readonly Worker[];
}

function WorkersSection({ instance, workers }: WorkersSectionProps) {
  const [words = "", setWords] = useParameter("q");
  const [sortText = "status", setSort] = useParameter("sort");
  const input = useRef<HTMLInputElement>(null);
  const feed = useRef<Feed>(undefined);
  const running = useCallback((name: string) => feed.current?.get(name), []);
  const wanted = useDeferredValue(words);
  const sort = WORKER_SORTS.find((known) => known === sortText) ?? "status";
  const shown = useMemo(() => sorted(matching(workers, wanted), sort), [workers, wanted, sort]);
  const search = (text: string) => setWords(text === "" ? undefined : text, { replace: true });
  useShortcuts({ "/": () => input.current?.focus(), escape: () => search("") });
  if (workers.length === 0) return <NoWorkers instance={instance} />;
  return (
    <section aria-labelledby="workers-heading">
      <RunningOperations instance={instance} into={feed} />
      <div className="section-head">
        <h2 id="workers-heading">{plural(workers.length, "worker")}</h2>
        <Totals workers={workers} words={words} onSearch={search} />
        <span className="grow" />
        <input
          ref={input}
          type="search"
          value={words}
          onChange={({ target }) => search(target.value)}
          placeholder="Name, property, state …"
          aria-label="Search workers"
        />
        <label>
          <span className="dim">Sort by</span>{" "}
          <select value={sort} onChange={({ target }) => setSort(target.value === "status" ? undefined : target.value)}>
            {WORKER_SORTS.map((each) => (
              <option key={each} value={each}>
                {SORT_TITLES[each]}
              </option>
            ))}
          </select>
        </label>
      </div>
      <p className="off-screen" role="status">
        {wanted !== "" && `${plural(shown.length, "worker")} found`}
      </p>
      {shown.length > 0 ? (
        <WorkersTable {...{ instance, running }} workers={shown} />
      ) : (
        <Empty title="No worker matches">
          <button type="button" onClick={() => search("")}>
            Show all workers
          </button>
        </Empty>
      )}
    </section>
  );
}

interface TotalsProps {
  readonly workers: readonly Worker[];
  readonly words: string;
  readonly onSearch: (words: string) => void;
}

/** How the workers are in numbers, each of which finds those that it counts. */
function Totals({ workers, words, onSearch }: TotalsProps) {
  const { idle, unavailable, jobs, capacity } = totalsOf(workers);
  const choices = [
    ["idle", idle],
    ["unavailable", unavailable],
  ] as const;
  return (
    <>
      <span className="dim">
        {countText(jobs)} of {plural(capacity, "slot")} taken
      </span>
      {choices.map(
        ([state, count]) =>
          count > 0 && (
            <button
              key={state}
              type="button"
              className={`quiet ${state}`}
              aria-pressed={words === state}
              onClick={() => onSearch(words === state ? "" : state)}
            >
              {countText(count)} {state}
            </button>
          ),
      )}
    </>
  );
}
