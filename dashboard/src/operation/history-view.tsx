import { useQuery } from "@connectrpc/connect-query";
import { useEffect } from "react";
import { FarmService } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { every } from "../api/polling.ts";
import { dateText, durationText, msOf } from "../format/time.ts";
import { visibleText } from "../format/visible.ts";
import { ErrorPanel } from "../ui/panels.tsx";
import { eventText } from "./history.ts";

interface HistoryProps {
  readonly name: string;
  readonly done: boolean;
  /** Changes whenever the operation does. */
  readonly version: unknown;
}

/** What happened to the job. */
export function HistoryView({ name, done, version }: HistoryProps) {
  const { data, error, refetch } = useQuery(
    FarmService.method.getOperationHistory,
    { name },
    { refetchInterval: every(done ? 15_000 : 2000) },
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again whenever the operation changes
  useEffect(() => void refetch(), [version, refetch]);
  if (error && !data) return <ErrorPanel error={error} onRetry={() => void refetch()} />;
  if (!data) return <p className="dim">Loading …</p>;
  const first = msOf(data.events[0]?.eventTime) ?? 0;
  return (
    <table className="facts-table history">
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col" className="numeric">
            After
          </th>
          <th scope="col">What</th>
          <th scope="col">Details</th>
        </tr>
      </thead>
      <tbody>
        {data.events.map((event, index) => {
          const at = msOf(event.eventTime) ?? 0;
          const { title, particulars } = eventText(event);
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: events are only added
            <tr key={index}>
              <td>
                <time dateTime={new Date(at).toISOString()}>{dateText(at)}</time>
              </td>
              <td className="numeric dim">{at >= first ? durationText(at - first) : ""}</td>
              <td>{title}</td>
              <td className="dim">{visibleText(particulars)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
