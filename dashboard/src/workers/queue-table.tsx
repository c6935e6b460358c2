import { Link } from "wouter";
import type { PlatformQueue, Worker } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { instanceText } from "../format/instance.ts";
import { countText } from "../format/number.ts";
import { propertiesText } from "../format/properties.ts";
import { tickingText } from "../format/time.ts";
import { ALL_INSTANCES, operationsPath } from "../location/paths.ts";
import { Properties } from "../ui/properties.tsx";
import { useNow } from "../ui/use-now.ts";
import { isStuck, oldestWaitMs, platformFilter, whyUnserved } from "./platform-list.ts";

interface QueueTableProps {
  readonly instance: string;
  readonly platforms: readonly PlatformQueue[];
  /** When the server said so, in milliseconds since the epoch. */
  readonly at: number;
  /** None as long as they are not known. */
  readonly workers: readonly Worker[] | undefined;
}

/** What waits and runs, a row for each platform. */
export function QueueTable({ instance, platforms, at, workers }: QueueTableProps) {
  const now = useNow();
  const ofAll = instance === ALL_INSTANCES;
  return (
    <table className="farm-table queue">
      <thead>
        <tr>
          <th>Platform</th>
          {ofAll && <th>Instance</th>}
          <th className="numeric">Waiting</th>
          <th className="numeric">Longest wait</th>
          <th className="numeric">Running</th>
          <th className="numeric">Workers free</th>
          <th className="numeric">full</th>
          <th className="numeric">unavailable</th>
        </tr>
      </thead>
      <tbody>
        {platforms.map((platform) => (
          <PlatformRow
            key={JSON.stringify([platform.instanceName, propertiesText(platform.properties)])}
            {...{ platform, ofAll, workers }}
            ageMs={now - at}
          />
        ))}
      </tbody>
    </table>
  );
}

interface PlatformRowProps {
  readonly platform: PlatformQueue;
  readonly ofAll: boolean;
  readonly workers: readonly Worker[] | undefined;
  readonly ageMs: number;
}

function PlatformRow({ platform, ofAll, workers, ageMs }: PlatformRowProps) {
  const { properties, instanceName, queuedCount, executingCount } = platform;
  const { idleWorkerCount: idle, busyWorkerCount: busy, unavailableWorkerCount: unavailable } = platform;
  const wait = oldestWaitMs(platform, ageMs);
  const list = (stage: "QUEUED" | "EXECUTING") => operationsPath(instanceName, platformFilter(properties, stage));
  return (
    <tr className={isStuck(platform) ? "stuck" : undefined}>
      <td className="wide">
        <Properties of={properties} none="No requirements" />
        {isStuck(platform) && <p className="why">✕ {whyUnserved(platform, workers)}</p>}
      </td>
      {ofAll && <td data-title="Instance">{instanceText(instanceName)}</td>}
      <Count title="Waiting" count={queuedCount} href={list("QUEUED")} />
      <td className="numeric" data-title="Longest wait">
        {wait === undefined ? null : tickingText(wait)}
      </td>
      <Count title="Running" count={executingCount} href={list("EXECUTING")} />
      <Count title="Workers free" count={idle} />
      <Count title="full" count={busy} />
      <Count title="unavailable" count={unavailable} />
    </tr>
  );
}

function Count({ title, count, href }: { title: string; count: number | bigint; href?: string }) {
  const text = countText(count);
  return (
    <td className="numeric" data-title={title}>
      {Number(count) === 0 ? <Nothing /> : href === undefined ? text : <Link href={href}>{text}</Link>}
    </td>
  );
}

function Nothing() {
  return <span className="nothing">0</span>;
}
