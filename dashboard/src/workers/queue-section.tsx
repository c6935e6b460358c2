import type { GetQueueResponse, Worker } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { countText, plural } from "../format/number.ts";
import { useParameter } from "../location/parameters.ts";
import { isStuck, sortedPlatforms } from "./platform-list.ts";
import { QueueTable } from "./queue-table.tsx";

interface QueueSectionProps {
  readonly instance: string;
  readonly queue: GetQueueResponse;
  /** When the server said so, in milliseconds since the epoch. */
  readonly at: number;
  readonly workers: readonly Worker[];
}

/** So many platforms are shown unless all are asked for: the workers come below. */
const FIRST = 8;

/** What waits and runs, and for what. */
export function QueueSection({ instance, queue, at, workers }: QueueSectionProps) {
  const [allText, setAll] = useParameter("platforms");
  const [idleText, setIdle] = useParameter("idle");
  const all = sortedPlatforms(queue.platforms);
  const shown = allText === "all" ? all : all.slice(0, FIRST);
  const stuck = all.filter(isStuck).length;
  return (
    <section aria-labelledby="queue-heading">
      <div className="section-head">
        <h2 id="queue-heading">Queue</h2>
        <span className="dim">
          {countText(sum(all.map((platform) => platform.queuedCount)))} waiting,{" "}
          {countText(sum(all.map((platform) => platform.executingCount)))} running
          {queue.platformCount > 0 && ` on ${plural(queue.platformCount, "platform")}`}
        </span>
        {stuck > 0 && <span className="alarm">✕ {plural(stuck, "platform")} that nobody serves</span>}
        <span className="grow" />
        <label>
          <input
            type="checkbox"
            checked={idleText === "1"}
            onChange={({ target }) => setIdle(target.checked ? "1" : undefined)}
          />{" "}
          Show idle platforms
        </label>
      </div>
      {shown.length === 0 ? (
        <p className="nothing-waits dim">Nothing waits, and nothing runs.</p>
      ) : (
        <QueueTable {...{ instance, at, workers }} platforms={shown} />
      )}
      {all.length > FIRST && (
        <button
          type="button"
          className="quiet more"
          aria-expanded={allText === "all"}
          onClick={() => setAll(allText === "all" ? undefined : "all")}
        >
          {allText === "all" ? `Show the first ${FIRST} only` : `Show all ${plural(all.length, "platform")}`}
        </button>
      )}
    </section>
  );
}

function sum(counts: readonly bigint[]): bigint {
  return counts.reduce((all, count) => all + count, 0n);
}
